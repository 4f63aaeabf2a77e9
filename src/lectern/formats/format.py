"""What a format is: a turn's events as one stream of bytes. It renders, and decides nothing."""

from typing import Protocol

from lectern.errors import LecternError
from lectern.events import Event


class Encoder(Protocol):
    """Renders one turn for one stream; pure: the same events make the same bytes. Each stream has its own."""

    def encode(self, position: int, event: Event) -> bytes:
        """The frames of the next event; empty when the format says nothing of it.

        Args:
            position: The turn's position after the event, as `lectern.events.after` counts it.
            event: What happened.
        """
        ...

    def cut(self, error: LecternError) -> bytes:
        """The frames that end a stream from outside, before its last event; nothing is encoded after them."""
        ...

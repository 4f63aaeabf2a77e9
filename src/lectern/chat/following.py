"""How one reader follows a turn, wherever that is."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from lectern.events import Event, Started

Batches = AsyncGenerator[tuple[int, Sequence[Event]], None]
"""The position before each batch, and its events: what came together."""

Listener = Callable[[int, Event], bool]
"""Is told of an event as it happens, with the position after it; returns whether it takes the next one so, too."""


class Following(Protocol):
    """One reader's way through a turn. Something is ready to be read when it is got."""

    @property
    def turn_id(self) -> str:
        """The turn's UUID, as text."""
        ...

    @property
    def conversation_id(self) -> str:
        """The UUID of its conversation, as text; empty while it is not known."""
        ...

    @property
    def ends_with_worker(self) -> bool:
        """Whether it ends by itself, with a last event, when this worker stops."""
        ...

    def batches(self, listener: Listener | None = None) -> Batches:
        """What is still to be read, to the turn's last event; closing it is leaving.

        Args:
            listener: May be told of events while a batch is waited for; then they are in none. After it took no more an
                empty one comes.
        """
        ...

    async def lingering(self) -> None:
        """Leave, and return when the reader's request no longer stands for the turn."""
        ...


class Distant:
    """Implements `Following` for a turn that is not live in this worker.

    Args:
        turn_id: The turn's UUID, as text.
        first: Its first batch; None when there is nothing more to read.
        rest: Its other batches.
    """

    ends_with_worker = False

    def __init__(self, turn_id: str, first: tuple[int, Sequence[Event]] | None, rest: Batches) -> None:
        self.turn_id = turn_id
        self.conversation_id = ""
        self._first = first
        self._rest = rest
        if first and isinstance(first[1][0], Started):
            self.conversation_id = first[1][0].conversation_id

    @classmethod
    async def of(cls, turn_id: str, batches: Batches) -> "Distant":
        """Follow it, with its first batch read."""
        return cls(turn_id, await anext(batches, None), batches)

    async def batches(self, listener: Listener | None = None) -> Batches:
        """See `Following`; no listener is told of anything."""
        del listener
        try:
            if self._first is not None:
                yield self._first
            async for batch in self._rest:
                yield batch
        finally:
            await self._rest.aclose()

    async def lingering(self) -> None:
        """See `Following`; it stands for nothing."""
        await self._rest.aclose()

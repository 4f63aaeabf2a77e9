"""What is being rewritten in this process right now, so that requests at the same time share one call."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from lectern.errors import LecternError


@dataclass(frozen=True, slots=True)
class Landing:
    """What came of a segment.

    Attributes:
        text: The rewritten text, checked.
        reason: Why there is none.
        error: The error that was the reason, if one was.
    """

    text: str | None = None
    reason: str = ""
    error: LecternError | None = None


class Flights:
    """Who works on which key."""

    def __init__(self) -> None:
        self._flights: dict[str, tuple[Hashable, asyncio.Future[Landing | None]]] = {}

    def take(self, key: str, owner: Hashable) -> asyncio.Future[Landing | None] | None:
        """Begin work on a key, or go on with it; when another works on it, what will come of that.

        The future's result is None when the other gives it up: somebody has to take it then.
        """
        flight = self._flights.setdefault(key, (owner, asyncio.get_running_loop().create_future()))
        return None if flight[0] == owner else flight[1]

    def land(self, key: str, owner: Hashable, landing: Landing | None) -> None:
        """End the owner's work on a key; nothing happens when it is not the owner's."""
        flight = self._flights.get(key)
        if flight is not None and flight[0] == owner:
            del self._flights[key]
            flight[1].set_result(landing)

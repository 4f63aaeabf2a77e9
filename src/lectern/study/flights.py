"""What is being rewritten in this process right now, so that requests at the same time share one call.

And what the model failed at a little while ago: a segment that it cannot do is not paid for by each reader.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

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


_REMEMBERED_SECONDS: Final = 600
"""How long a failure is remembered: a chapter's readers of one lesson, and no longer than people wait for a repair."""

_MOST_REMEMBERED: Final = 10_000
"""Failures remembered at once, at some 200 bytes each; the oldest go."""


class Flights:
    """Who works on which key.

    Args:
        now: Seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._flights: dict[str, tuple[Hashable, asyncio.Future[Landing | None]]] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._now = now

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

    def fail(self, key: str, reason: str) -> None:
        """Remember for a while that the model could not do this."""
        self._failed[key] = self._now() + _REMEMBERED_SECONDS, reason
        if len(self._failed) > _MOST_REMEMBERED:
            del self._failed[next(iter(self._failed))]

    def failed(self, key: str) -> str | None:
        """Why the model could not do this a while ago; None when it is worth asking."""
        until, reason = self._failed.get(key, (0.0, ""))
        if reason and until <= self._now():
            del self._failed[key]
            return None
        return reason or None

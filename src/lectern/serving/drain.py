"""The end of a worker's life as its app sees it: draining begins, last call, cancelled.

`begun` happens when the worker takes no new connections; streams may go on. `last_call` happens when they have
just enough time left to send a last event; what still runs at the end is cancelled. Nothing here starts a thread or
touches a loop until somebody waits.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

# What is kept of the grace period for clean-up, in seconds: a fifth, within these bounds.
_LEAST_MARGIN, _MOST_MARGIN, _MARGIN = 1.0, 4.0, 0.2
# How long before the end streams are told to finish, in seconds: a tenth of what they have, within these bounds.
_LEAST_CALL, _MOST_CALL, _CALL = 0.3, 2.0, 0.1


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the time between the signal to stop and the kill is spent, in seconds.

    Streams have `streams`; `margin` after it is for their `finally`, the app's shutdown and the exit hooks.
    """

    streams: float
    margin: float

    @classmethod
    def within(cls, grace_seconds: float) -> "Schedule":
        """Split the time that the master gives a worker before it kills it."""
        margin = min(_MOST_MARGIN, max(_LEAST_MARGIN, grace_seconds * _MARGIN))
        return cls(streams=max(0.0, grace_seconds - margin), margin=margin)


class Moment:
    """Something that happens once; awaitable from any event loop of the process."""

    def __init__(self) -> None:
        self._happened = False
        self._waiters: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return self._happened

    def happen(self) -> None:
        """Wake whoever waits; later calls change nothing."""
        self._happened = True
        for waiter in list(self._waiters):
            waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    def call(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called in the running loop when it happens, at once if it has; returns how to withdraw."""
        waiter = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda done: None if done.cancelled() else callback())
        self._waiters.add(waiter)
        if self._happened:
            _wake(waiter)

        def withdraw() -> None:
            self._waiters.discard(waiter)
            waiter.cancel()

        return withdraw

    async def wait(self) -> None:
        """Return when it has happened."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)  # before the look, so that it cannot happen in between unseen
        try:
            if not self._happened:
                await waiter
        finally:
            self._waiters.discard(waiter)


class Drain:
    """The two moments of a worker's end, and the time that streams have left."""

    def __init__(self) -> None:
        self.begun = Moment()
        self.last_call = Moment()
        self._ends_at: float | None = None

    def begin(self, seconds: float) -> None:
        """Start draining: streams have `seconds` from now. A later call can only shorten that."""
        ends_at = time.monotonic() + seconds
        self._ends_at = ends_at if self._ends_at is None else min(self._ends_at, ends_at)
        self.begun.happen()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until running streams are cancelled, not below 0; None while the worker is not draining."""
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())


def call_seconds(streams: float) -> float:
    """How long before the end the last call comes, when streams have `streams` seconds in all."""
    return min(_MOST_CALL, max(_LEAST_CALL, streams * _CALL))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)

"""Calls back when somebody waits past a moment that moves with each thing that comes.

A timer for each token costs 12 µs a token. Here one timer looks, when it fires, whether the moment has moved on.
"""

import asyncio
from collections.abc import Callable


class Watchdog:
    """Watches one wait after another, in the loop that it is made in.

    Args:
        expire: Called once, when a wait went past its moment; what is waited for should then fail.

    Attributes:
        expired: Whether it was called.
    """

    __slots__ = ("_by", "_expire", "_loop", "_set_for", "_timer", "_waiting", "expired")

    def __init__(self, expire: Callable[[], object]) -> None:
        self.expired = False
        self._expire = expire
        self._loop = asyncio.get_running_loop()
        self._waiting = False
        self._by = self._set_for = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, by: float) -> None:
        """A wait begins that may last until a moment of the loop's clock."""
        self._waiting = True
        self._by = by
        if self._timer is None or self._set_for > by:
            self._set()

    def heard(self) -> None:
        """The wait is over; no timer is touched."""
        self._waiting = False

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._waiting = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Remembered here, as uvloop's timers are not for the very moment they were asked for.
        self._set_for = self._by
        self._timer = self._loop.call_at(self._by, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._waiting:
            return  # the next wait sets a timer of its own
        if self._by > self._loop.time():
            self._set()
        else:
            self.expired = True
            self._expire()

"""A watchdog calls back when a wait goes past its moment, and for nothing else."""

import asyncio
from collections.abc import Callable

import pytest

from lectern.resilience.watchdog import Watchdog


class Timers:
    """A loop's timers, with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.set = 0
        self._timers: list[tuple[float, Callable[[], object], Timers.Handle]] = []

    class Handle:
        """One timer."""

        def __init__(self) -> None:
            self.cancelled = False

        def cancel(self) -> None:
            """Fire not."""
            self.cancelled = True

    def time(self) -> float:
        """The clock."""
        return self.now

    def call_at(self, when: float, call: Callable[[], object]) -> "Timers.Handle":
        """Set a timer."""
        self.set += 1
        handle = self.Handle()
        self._timers.append((when, call, handle))
        return handle

    def advance(self, to: float) -> None:
        """Let time pass; timers fire in their order."""
        while due := sorted((timer for timer in self._timers if timer[0] <= to), key=lambda timer: timer[0]):
            self._timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            if not due[0][2].cancelled:
                due[0][1]()
        self.now = to


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """What stands for the running loop."""
    timers = Timers()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: timers)
    return timers


def test_a_wait_past_its_moment(timers: Timers) -> None:
    """It calls back at the moment, once."""
    calls: list[float] = []
    watchdog = Watchdog(lambda: calls.append(timers.now))
    watchdog.wait(3)
    timers.advance(2.9)
    assert not calls
    timers.advance(10)
    assert calls == [3]
    assert watchdog.expired


def test_a_thousand_tokens_cost_a_few_timers(timers: Timers) -> None:
    """Waits that are over in time set a timer once in their length, not one each."""
    watchdog = Watchdog(lambda: None)
    for _ in range(1000):
        watchdog.wait(timers.now + 10)
        timers.advance(timers.now + 0.02)
        watchdog.heard()
    assert not watchdog.expired
    assert timers.set <= 4


def test_the_moment_that_counts_is_the_last_one(timers: Timers) -> None:
    """A silence after many tokens ends its length after the last of them."""
    calls: list[float] = []
    watchdog = Watchdog(lambda: calls.append(timers.now))
    for _ in range(100):
        watchdog.wait(timers.now + 10)
        timers.advance(timers.now + 1)
        watchdog.heard()
    watchdog.wait(110)
    timers.advance(1000)
    assert calls == [110]


def test_a_nearer_moment(timers: Timers) -> None:
    """A wait that has less time than the one before is not left to the older timer."""
    calls: list[float] = []
    watchdog = Watchdog(lambda: calls.append(timers.now))
    watchdog.wait(10)
    watchdog.heard()
    watchdog.wait(1)
    timers.advance(20)
    assert calls == [1]


@pytest.mark.parametrize("end", ["heard", "stop"])
def test_nobody_waits(timers: Timers, end: str) -> None:
    """Without a wait nothing expires, however long it takes; a later wait is watched again."""
    calls: list[float] = []
    watchdog = Watchdog(lambda: calls.append(timers.now))
    watchdog.wait(1)
    getattr(watchdog, end)()
    timers.advance(100)
    assert not calls
    watchdog.wait(101)
    timers.advance(200)
    assert calls == [101]

"""Feels the pressure on this worker while it has turns under way; one without work is left asleep."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from lectern.resilience import threads
from lectern.resilience.pressure import Pressure

SAMPLE_SECONDS: Final = 0.05
"""Between two samples. One costs 5 µs and two wake-ups; 20 a second took 0.4 % of a core on a crowded machine."""

PROBE_SECONDS: Final = 0.001
"""The timer whose lateness is measured. It is shorter than any round that matters: a longer one would come due
somewhere in a round, and not be late at all where it is as long as one. asyncio's own loop takes two rounds for it."""

Listener = Callable[[float, Pressure], None]
"""Is called with the monotonic clock's time and the verdict after each sample."""


class Sensor:
    """Samples the event loop that runs as long as somebody listens.

    Args:
        clock: Seconds that never go back. Not the loop's own time, which uvloop reads once a round, in milliseconds.
        cpu: The process's processor time so far, in seconds. All threads count: where they hold the interpreter's lock
            the loop waits for them, and the processor is as full.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._cpu = clock, cpu
        self._pressure = Pressure()
        self._listeners: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._sampled = self._used = 0.0

    @property
    def under_pressure(self) -> bool:
        """Whether the worker does not keep up with its work. Costs nothing: it is what the last sample said."""
        return self._pressure.under

    def listen(self, listener: Listener) -> None:
        """Sample from now on, for this listener too."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process has one loop after the other, if it has several
            self._rest()
            self._listeners.clear()
        self._loop = loop
        self._listeners.add(listener)
        if self._timer is None:
            self._sampled, self._used = self._clock(), self._cpu()
            self._wait(loop, SAMPLE_SECONDS)

    def ignore(self, listener: Listener) -> None:
        """Forget this listener; without one nothing is sampled, and there is no pressure."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._rest()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._pressure = Pressure()

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        if seconds > 0:
            self._timer = loop.call_later(seconds, self._probe, loop)
        else:  # the next round is sampled too, so that the verdict on long rounds does not take twice as many
            self._probe(loop)

    def _probe(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = self._clock() + PROBE_SECONDS
        self._timer = loop.call_later(PROBE_SECONDS, self._sample, loop)

    def _sample(self, loop: asyncio.AbstractEventLoop) -> None:
        now, used = self._clock(), self._cpu()
        late, passed = max(0.0, now - self._due), now - self._sampled
        self._pressure.note(late, (used - self._used) / passed if passed > 0 else 0.0, threads.waiting())
        self._sampled, self._used = now, used
        self._wait(loop, SAMPLE_SECONDS - PROBE_SECONDS - late)
        for listener in tuple(self._listeners):
            listener(now, self._pressure)


_here = Sensor()


def here() -> Sensor:
    """The sensor of this process's event loop."""
    return _here


def under_pressure() -> bool:
    """Whether this worker does not keep up with its work. An attribute look-up, no clock and no call."""
    return _here.under_pressure

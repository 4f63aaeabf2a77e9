"""The door of one worker: who comes in while there is room, and what is felt and said of it."""

import logging
import time
from collections.abc import Callable

from lectern.resilience.admission import FREE_SECONDS, Limiter
from lectern.resilience.pressure import Pressure
from lectern.resilience.sensor import Sensor

logger = logging.getLogger(__name__)


class Door:
    """Lets turns in by a limiter that learns from a sensor; one line in the log when refusing begins, one when it ends.

    Args:
        limiter: Decides.
        sensor: Feels the pressure, as long as turns are under way or a limit stands.
        clock: Seconds that never go back; the sensor's.
    """

    def __init__(self, limiter: Limiter, sensor: Sensor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = limiter
        self._sensor = sensor
        self._clock = clock
        self._refusing_since: float | None = None
        self._refused_before = 0

    @property
    def turns(self) -> int:
        """How many are under way."""
        return self._limiter.turns

    @property
    def limit(self) -> int | None:
        """How many may be; None while the worker keeps up."""
        return self._limiter.limit

    @property
    def refused(self) -> int:
        """How many were refused since the worker's start."""
        return self._limiter.refused

    def enter(self) -> bool:
        """Come in, and `leave` later; or be refused, which costs a microsecond."""
        now = self._clock()
        if self._limiter.admit(now):
            if self._limiter.turns == 1:
                self._sensor.listen(self._sampled)
            return True
        if self._refusing_since is None:
            self._begin_refusing(now)
        return False

    def leave(self) -> None:
        """A turn that came in has ended."""
        self._limiter.leave()
        self._rest()

    def _sampled(self, now: float, pressure: Pressure) -> None:
        self._limiter.adjust(pressure.verdict, now)
        if self._refusing_since is not None and now - self._limiter.last_refusal > FREE_SECONDS:
            self._end_refusing(self._refusing_since)
        self._rest()

    def _rest(self) -> None:
        if not self._limiter.turns and self._limiter.limit is None and self._refusing_since is None:
            self._sensor.ignore(self._sampled)

    def _begin_refusing(self, now: float) -> None:
        self._refusing_since = now
        self._refused_before = self._limiter.refused - 1
        logger.warning(
            "Refusing new turns: %d are under way, %s",
            self._limiter.turns,
            "as many as MAX_TURNS allows" if self._limiter.limit is None else "and this worker does not keep up",
        )

    def _end_refusing(self, since: float) -> None:
        refused = self._limiter.refused - self._refused_before
        seconds = self._limiter.last_refusal - since
        logger.warning("Taking all turns again: %d were refused within %.1f s", refused, seconds)
        self._refusing_since = None

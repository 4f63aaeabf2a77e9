"""A worker's event loop in simulated time: a single server whose rounds do all that is ready; its sensor and limiter.

A turn prepares (steps on the processor, each after a short wait for a disk or a remote), waits for its first token, and
sends one after the other at the provider's pace. What comes while a round lasts waits for the next.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from lectern.resilience.admission import Limiter
from lectern.resilience.pressure import Pressure
from lectern.resilience.sensor import PROBE_SECONDS, SAMPLE_SECONDS

REFUSAL_SECONDS = 0.0004


@dataclass(frozen=True, slots=True)
class Kind:
    """What a turn costs the processor, and how long it waits for others; in seconds.

    The default is a streamed turn of `stub-ttft200-itl20-len40`, 10 ms of processor time: 100 a second at most.
    """

    steps: int = 6
    step: float = 0.001
    step_wait: float = 0.002
    first_token: float = 0.2
    tokens: int = 40
    token: float = 0.0001
    token_wait: float = 0.02

    @property
    def cost(self) -> float:
        """Processor time of a whole turn."""
        return self.steps * self.step + self.tokens * self.token


@dataclass(slots=True)
class Seen:
    """What came of the arrivals, in seconds of simulated time.

    Attributes:
        done: `(arrived, ended)` of each turn.
        refused: `(arrived, told)` of each refusal.
        limits: The limit after each sample.
    """

    done: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    limits: list[int | None] = field(default_factory=list)

    def goodput(self, since: float, until: float) -> float:
        """Turns that ended, a second."""
        return sum(since <= ended < until for _, ended in self.done) / (until - since)


class Worker:
    """One worker in simulated time; without a limiter everybody is taken in."""

    def __init__(self, limiter: Limiter | None = None, kind: Kind | None = None) -> None:
        self.seen = Seen()
        self._limiter = limiter
        self._kind = kind or Kind()
        self._pressure = Pressure()
        # (when, order, when its turn arrived, stage: -1 for the arrival itself, n for the n-th step or token)
        self._ready: list[tuple[float, int, float, int]] = []
        self._order = 0
        self._now = self._busy = self._sampled = self._used = 0.0
        self._timer, self._probing = SAMPLE_SECONDS, False

    def serve(self, arrivals: Iterable[float]) -> Seen:
        """Run until all that arrive, at these moments, have been answered."""
        for at in arrivals:
            self._push(at, at, -1)
        while self._ready:
            self._now = max(self._now, min(self._timer, self._ready[0][0]))
            begun = self._now
            if self._timer <= begun:
                self._sense()
            batch = []
            while self._ready and self._ready[0][0] <= begun:
                batch.append(heapq.heappop(self._ready))
            for at, _, arrived, stage in batch:
                if stage >= 0 or self._limiter is None or self._limiter.admit(self._now):
                    self._go_on(at, arrived, stage)
                else:
                    self._work(REFUSAL_SECONDS)
                    self.seen.refused.append((arrived, self._now))
        return self.seen

    def _push(self, at: float, arrived: float, stage: int) -> None:
        self._order += 1
        heapq.heappush(self._ready, (at, self._order, arrived, stage))

    def _work(self, seconds: float) -> None:
        self._now += seconds
        self._busy += seconds

    def _go_on(self, at: float, arrived: float, stage: int) -> None:
        kind = self._kind
        following = stage + 1
        self._work(kind.step if following < kind.steps else kind.token)
        if following == kind.steps + kind.tokens:
            self.seen.done.append((arrived, self._now))
            if self._limiter is not None:
                self._limiter.leave()
        elif following < kind.steps:
            self._push(self._now + kind.step_wait, arrived, following)
        elif following == kind.steps:
            self._push(self._now + kind.first_token, arrived, following)
        else:  # the provider keeps its pace, whoever reads
            self._push(at + kind.token_wait, arrived, following)

    def _sense(self) -> None:
        """What the sensor does, by the same rules."""
        if not self._probing:
            self._probing, self._timer = True, self._now + PROBE_SECONDS
            return
        late = self._now - self._timer
        self._pressure.note(late, (self._busy - self._used) / (self._now - self._sampled))
        self._sampled, self._used = self._now, self._busy
        if self._limiter is not None:
            self._limiter.adjust(self._pressure.verdict, self._now)
            self.seen.limits.append(self._limiter.limit)
        wait = SAMPLE_SECONDS - PROBE_SECONDS - late
        self._probing = wait <= 0
        self._timer = self._now + (wait if wait > 0 else PROBE_SECONDS)

"""A breaker in the world: with a clock, with dice, and with siblings in other processes that it tells and hears.

One circuit stands for one operation of one part. Without siblings (one process, a test) it works by itself.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Protocol

from lectern.ports import CircuitState
from lectern.resilience.breaker import Breaker, Permit, Record, Rules, State

logger = logging.getLogger(__name__)

_STATES: tuple[State, ...] = ("closed", "open", "half_open")
News = tuple[int, int, float, float, bool]
"""A `Record` in plain numbers: the state's place in `closed, open, half_open`, then its other fields in order."""


class Shared(Protocol):
    """What the workers share."""

    def register(self, name: str) -> None:
        """Make room for a circuit; before the fork."""
        ...

    def publish(self, name: str, news: News) -> None:
        """Tell the siblings what this process knows of a circuit."""
        ...

    def newest(self, name: str) -> News | None:
        """What changed last, in whichever process; None when nothing has."""
        ...


class Circuit:
    """One operation of one part.

    Args:
        part: As `/health/circuits` names it: `llm`, `embeddings`, `index`, `database`.
        operation: What is done with it.
        rules: When it opens.
        shared: Where the siblings are told; None without siblings.
        clock: Seconds that never go back, the same in all processes of one machine.
        dice: A number from 0 to 1, another one each time.
    """

    def __init__(
        self,
        part: str,
        operation: str,
        rules: Rules,
        *,
        shared: Shared | None = None,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.part, self.operation = part, operation
        self.name = f"{part}.{operation}"
        self._breaker = Breaker(rules)
        self._shared = shared
        if shared is not None:
            shared.register(self.name)
        self._clock, self._dice = clock, dice
        self._told = self._breaker.record()
        self._news: News | None = None
        self._newest = self._told

    def admit(self) -> Permit | None:
        """Let a call through, or refuse it with None."""
        now = self._clock()
        self._listen(now)
        permit = self._breaker.admit(now, self._dice())
        self._tell()
        return permit

    def first(self, permit: Permit) -> None:
        """A stream's first token came."""
        self._breaker.first(permit, self._clock(), self._dice())
        self._tell()

    def succeeded(self, permit: Permit) -> None:
        """The call is complete."""
        now = self._clock()
        self._listen(now)
        self._breaker.succeeded(permit, now, self._dice())
        self._tell()
        if not self._newest.well and self._breaker.record().state == "closed":
            self._publish(Record("closed", 0, 0, now))  # a sibling's failure is no longer the last that is known

    def failed(self, permit: Permit, retry_after: float | None = None) -> None:
        """The call failed, before its first token or after it."""
        self._breaker.failed(permit, self._clock(), self._dice(), retry_after)
        self._tell()

    def rejected(self, permit: Permit) -> None:
        """The part is up, but refused this request."""
        self._breaker.rejected(permit, self._clock())
        self._tell()

    def released(self, permit: Permit) -> None:
        """The call was given up by us or by the reader. Changes nothing when it has its verdict already."""
        self._breaker.released(permit, self._clock())
        self._tell()

    def refused_for(self) -> float:
        """Seconds until the next call may pass."""
        return self._breaker.refused_for(self._clock())

    def describe(self) -> CircuitState:
        """The circuit as all processes know it together."""
        now = self._clock()
        self._listen(now)
        newest = self._newest
        return CircuitState(
            part=self.part,
            operation=self.operation,
            state=newest.state,
            failure_count=newest.failures,
            retry_after_seconds=0.0 if newest.state == "closed" else round(max(0.0, newest.until - now), 1),
            rejected=newest.rejected,
            changed_seconds_ago=round(now - newest.changed, 1) if newest.changed else None,
        )

    def _listen(self, now: float) -> None:
        news = self._shared.newest(self.name) if self._shared else None
        if news is None:
            self._newest = self._told
            return
        if news != self._news:
            self._news = news
            self._newest = Record(_STATES[news[0]], *news[1:])
        before = self._breaker.record().changed
        self._breaker.adopt(self._newest, now)
        record = self._breaker.record()
        if record.changed != before:
            self._told = record
            if self._shared:
                self._shared.publish(self.name, news)  # repeated, so that it outlives the worker that found out
        elif self._told.changed > self._newest.changed:
            self._newest = self._told

    def _tell(self) -> None:
        record = self._breaker.record()
        if record.changed == self._told.changed:
            return
        if record.state != self._told.state:
            _log(self.name, record, self._clock())
        self._publish(record)

    def _publish(self, record: Record) -> None:
        self._told = self._newest = record
        if self._shared:
            self._shared.publish(
                self.name,
                (_STATES.index(record.state), record.failures, record.until, record.changed, record.rejected),
            )


def _log(name: str, record: Record, now: float) -> None:
    if record.state == "open":
        logger.warning("circuit %s opens for %.1f s after %d failures", name, record.until - now, record.failures)
    else:
        logger.info("circuit %s is %s", name, record.state.replace("_", " "))

"""How many turns one worker takes at once, learned from whether it keeps up with them. Pure: time is an argument.

There is no limit until pressure is felt. Then it is a little more than is under way, and goes on by additive increase
and multiplicative decrease, as TCP's window and the limits of Netflix's `concurrency-limits` do: a tenth less while the
worker does not keep up, some turns more while it does and somebody is refused. So, under pressure, no more begin than
end. That bounds what comes in before the next verdict, which is late by nature: a turn costs most after its beginning.

The limit is what may be under way, not a rate: it fits turns of a second and of a minute without knowing which. When
nobody has been refused for a while, it is lifted.
"""

from math import inf
from typing import Final

from lectern.resilience.pressure import Verdict

LEAST_TURNS: Final = 80
"""Never fewer: the load that each worker is sized for (60 streams, `serving/plan.py`), or a burst of as many, and a
third more, as a reader who has the end of an answer asks again before its turn has left."""

FIRST_PART: Final = 1.25
"""The first limit, of what is under way when pressure is first felt: a crowd that is over in half a second passes, and
an overload has used up the rest by then."""

STEP_SECONDS: Final = 0.25
"""Between two changes of the limit, so that each is seen in the verdict before the next: its window is as long. Envoy's
overload manager looks as often (`refresh_interval`, 0.25 s)."""

DECREASE: Final = 0.9
"""What is left of the limit after a step under pressure; Netflix's `backoffRatio`."""

INCREASE_TURNS: Final = 4
"""What a calm step adds: 16 turns a second, so the least is doubled in four seconds."""

INCREASE_PART: Final = 16
"""Or this part of the limit, where that is more: slow streams are counted in hundreds."""

FREE_SECONDS: Final = 2.0
"""Without a refusal for this long the limit is lifted: what came too much is gone."""


class Limiter:
    """One worker's limit.

    Attributes:
        turns: Under way now.
        limit: How many may be; None while there is no pressure.
        refused: How many were turned away in all.
        last_refusal: When that was, by the caller's clock; minus infinity before the first.

    Args:
        most: Turns at once, whatever the pressure; what bounds the worker's memory.
        least: See `LEAST_TURNS`; not more than `most`.
    """

    __slots__ = ("_changed", "_least", "_most", "last_refusal", "limit", "refused", "turns")

    def __init__(self, most: int, *, least: int = LEAST_TURNS) -> None:
        self._most, self._least = most, min(least, most)
        self._changed = self.last_refusal = -inf
        self.turns = 0
        self.limit: int | None = None
        self.refused = 0

    def admit(self, now: float) -> bool:
        """Take a turn in, or refuse it. Each that is taken in has to `leave`."""
        if self.turns < (self._most if self.limit is None else self.limit):
            self.turns += 1
            return True
        self.last_refusal = now
        self.refused += 1
        return False

    def leave(self) -> None:
        """A turn has ended, however it did."""
        self.turns -= 1

    def adjust(self, verdict: Verdict, now: float) -> None:
        """Set the limit anew by the verdict of now."""
        if self.limit is None:
            if verdict == "pressed":
                self._set(int(self.turns * FIRST_PART), now)
        elif verdict == "calm" and now - max(self.last_refusal, self._changed) > FREE_SECONDS:
            self.limit = None
        elif now - self._changed < STEP_SECONDS:
            return
        elif verdict == "pressed" and self.turns <= self.limit:
            # Above its limit a worker takes nobody in, and a lower limit would change nothing but what comes after.
            self._set(int(self.limit * DECREASE), now)
        elif verdict == "calm" and now - self.last_refusal < STEP_SECONDS:
            self._set(self.limit + max(INCREASE_TURNS, self.limit // INCREASE_PART), now)

    def _set(self, turns: int, now: float) -> None:
        self.limit = max(self._least, min(turns, self._most))
        self._changed = now

"""Other schedules than a rate for so many seconds."""

import random
from dataclasses import dataclass
from typing import Self

from loadtests.openloop import Schedule


@dataclass(frozen=True, slots=True)
class Exactly(Schedule):
    """A whole number of arrivals of each target.

    Their times are uniform and independent, which is how those of a Poisson process lie when their number is known.

    Attributes:
        count: Arrivals of each target.
    """

    count: int = 0

    @classmethod
    def of(cls, count: int, seconds: float, seed: int = 1) -> Self:
        """So many arrivals of each target within so many seconds."""
        return cls(rate=count / seconds, seconds=seconds, seed=seed, count=count)

    def arrivals(self, targets: int) -> list[tuple[float, int]]:
        """`(seconds since the start, target)`; targets take turns."""
        dice = random.Random(self.seed)
        times = sorted(dice.uniform(0, self.seconds) for _ in range(self.count * targets))
        return [(time, number % targets) for number, time in enumerate(times)]

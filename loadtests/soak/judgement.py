"""Tells a leak from noise: a robust line through what was sampled, and how steep it may be. Pure.

The line's slope is Theil and Sen's: the median of the slopes between all pairs of samples. A worker that is replaced, a
burst of readers are outliers to it. A cache that fills once is told from a leak by the end: only a leak still rises in
the second half.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

LEAST_SAMPLES: Final = 6
"""Fewer say nothing: 15 pairs are the least whose median an outlier cannot be."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a series may rise; it rises too much when it breaks both.

    Attributes:
        share_an_hour: Of its own median, an hour; over all that was watched and over the second half of it.
        rise: Over all that was watched, in the series' unit: less is within what the same service shows when it idles.
    """

    share_an_hour: float
    rise: float


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over time.

    Attributes:
        name: As the report shows it.
        points: `(seconds, value)`, in order.
    """

    name: str
    points: Sequence[tuple[float, float]]

    def after(self, seconds: float) -> "Series":
        """The part from a moment on."""
        return Series(self.name, [point for point in self.points if point[0] >= seconds])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a series.

    Attributes:
        name: The series.
        samples: How many were judged.
        median: Of the values.
        slope_an_hour: Of the robust line, in the series' unit.
        rise: Of that line over what was watched.
        flat: Whether it stays within its allowance; False when there are too few samples to tell.
    """

    name: str
    samples: int
    median: float
    slope_an_hour: float
    rise: float
    flat: bool

    def __str__(self) -> str:
        if self.samples < LEAST_SAMPLES:
            return f"{'TOO SHORT':<10}{self.name}: {self.samples} samples, {LEAST_SAMPLES} at least"
        return (
            f"{'flat' if self.flat else 'RISES':<10}{self.name}: {self.median:.1f}, {self.slope_an_hour:+.2f} an hour "
            f"({self.rise:+.2f} while watched)"
        )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's slope of at least two points at different times, per second."""
    return statistics.median(
        [(late[1] - early[1]) / (late[0] - early[0]) for early, late in combinations(points, 2) if late[0] != early[0]]
    )


def judge(series: Series, allowance: Allowance) -> Verdict:
    """Whether a series, its warm-up left out already, stays within its allowance."""
    points = series.points
    if len(points) < LEAST_SAMPLES:
        return Verdict(series.name, len(points), 0.0, 0.0, 0.0, flat=False)
    middle = statistics.median([value for _, value in points])
    a_second = slope(points)
    rise = a_second * (points[-1][0] - points[0][0])
    still_rises = min(a_second, slope(points[len(points) // 2 :])) * 3600 > allowance.share_an_hour * middle
    return Verdict(
        series.name, len(points), middle, a_second * 3600, rise, flat=not (still_rises and rise > allowance.rise)
    )

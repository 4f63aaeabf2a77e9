"""One figure of a run: what each repetition came to, and how that is judged and written down."""

import statistics
from dataclasses import dataclass

from loadtests.bench.row import Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and its value in each repetition, at least one."""

    figure: Figure
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"the figure {self.figure.name} has no value")

    @property
    def median(self) -> float:
        """The middle of the repetitions."""
        return statistics.median(self.values)

    @property
    def judged(self) -> float:
        """What is held against the target: the median, but the worst of a count, as one error is an error."""
        if self.figure.unit:
            return self.median
        return min(self.values) if self.figure.least else max(self.values)

    @property
    def met(self) -> bool:
        """Whether the target was met; True where there is none."""
        return self.figure.met(self.judged)

    @property
    def target(self) -> str:
        """The target in words: `≤ 10 ms`; empty where there is none."""
        if self.figure.target is None:
            return ""
        if self.figure.target == 0 and not self.figure.least:
            return "0"
        return f"{'≥' if self.figure.least else '≤'} {quantity(self.figure.target, self.figure.unit)}"

    @property
    def range(self) -> str:
        """`8.1 to 12 ms`; one value where all are the same."""
        low, high = number(min(self.values)), number(max(self.values))
        return (
            quantity(min(self.values), self.figure.unit)
            if low == high
            else f"{low} to {high} {self.figure.unit}".rstrip()
        )


def quantity(value: float, unit: str) -> str:
    """A value with its unit: `8.1 ms`, `0.57 ×`, `0`."""
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Three digits that count: `1234`, `123`, `12.3`, `0.123`; a busy machine has no fourth."""
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:.0f}"
    return f"{float(f'{value:.3g}'):g}"

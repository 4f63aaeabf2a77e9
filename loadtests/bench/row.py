"""What the bench measures: rows of figures, each with its target, and what one repetition of a row came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class Skipped(Exception):
    """What a row measures is not at hand; the message says what is missing and how to name it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a row.

    Attributes:
        name: As the table shows it.
        unit: `ms`, `s`, `MB`, `×` (a ratio of one run), `1/s`, `µs`; empty for a count.
        target: What it should be: at most this, or at least this when `least`; None for a figure that has no target.
    """

    name: str
    unit: str
    target: float | None = None
    least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is as it should be; every value is where there is no target."""
        if self.target is None:
            return True
        return value >= self.target if self.least else value <= self.target


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one repetition of a row came to.

    Attributes:
        values: By figure name.
        samples: Raw times in milliseconds by the name of their distribution, for the charts; `first token: lectern`.
        detail: What else belongs into the record: anything that JSON holds.
    """

    values: dict[str, float]
    samples: dict[str, list[float]] = field(default_factory=dict)
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """How a row is measured.

    Attributes:
        repeat: How often.
        scale: Factor on its length and its load; below 1 for a test of the bench itself.
    """

    repeat: int = 5
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what is measured, in one sentence, and how.

    Attributes:
        name: Short, for `--only`.
        title: One sentence for the table.
        figures: What it yields.
        measure: Starts what it measures, as processes of their own, and ends them; raises Skipped where it cannot.
    """

    name: str
    title: str
    figures: tuple[Figure, ...]
    measure: Callable[[Options], Sequence[Repetition]]

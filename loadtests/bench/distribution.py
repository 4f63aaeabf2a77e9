"""Raw times, thinned to what a curve of them needs: a record stays small however many tokens were counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.bench.row import Repetition

SHARES: Final = (
    0.0,
    *(percent / 100 for percent in range(1, 98)),
    *(per_mille / 1000 for per_mille in range(980, 1000)),
    *(0.9995, 0.9999, 1.0),
)
"""Every percent, from 98 % every per mille, and the far end: it is the slowest answers that readers remember."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Times of one kind at one service, over all repetitions.

    Attributes:
        count: How many there were.
        milliseconds: Quantiles, one for each of `SHARES`.
    """

    count: int
    milliseconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.milliseconds) != len(SHARES):
            raise ValueError(f"{len(self.milliseconds)} quantiles, where {len(SHARES)} belong")

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> "Distribution":
        """The distribution of at least one time."""
        quantiles = np.quantile(milliseconds, SHARES)
        return cls(len(milliseconds), tuple(round(float(value), 3) for value in quantiles))


def pooled(repetitions: Iterable[Repetition]) -> dict[str, Distribution]:
    """The distributions of a row by their names, over its repetitions; one without a time is left out."""
    times: dict[str, list[float]] = {}
    for repetition in repetitions:
        for name, milliseconds in repetition.samples.items():
            times.setdefault(name, []).extend(milliseconds)
    return {name: Distribution.of(found) for name, found in times.items() if found}


def by_kind(samples: Mapping[str, Distribution]) -> dict[str, dict[str, Distribution]]:
    """`{kind: {service: distribution}}` of names such as `first token: lectern`."""
    kinds: dict[str, dict[str, Distribution]] = {}
    for name, distribution in samples.items():
        kind, _, service = name.rpartition(": ")
        kinds.setdefault(kind, {})[service] = distribution
    return kinds

"""Lists of values in statements, a bounded number at a time."""

from collections.abc import Collection, Iterator
from typing import Final, TypeVar

Value = TypeVar("Value")

MOST_VALUES: Final = 500
"""Of one statement; SQLite before 3.32 takes no more than 999 (https://www.sqlite.org/limits.html)."""


def batches(values: Collection[Value]) -> Iterator[list[Value]]:
    """The values in their order, in lists that one statement takes."""
    ordered = list(values)
    for start in range(0, len(ordered), MOST_VALUES):
        yield ordered[start : start + MOST_VALUES]

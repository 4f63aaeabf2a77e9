"""Numbers that all workers, or all replicas, count together: how often, and how much a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lectern.ports.part import Part
from lectern.rate import Rate


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with a rate.

    Attributes:
        allowed: Whether this one passes.
        remaining: How many more would pass now.
        reset_seconds: When the bucket is full again.
        retry_after_seconds: When the next one would pass; 0 when it would now.
    """

    allowed: bool
    remaining: int
    reset_seconds: float
    retry_after_seconds: float


class Counters(Protocol):
    """Never raises: where counting is not possible, it counts within this process and says so in `describe`."""

    @property
    def outlive_restarts(self) -> bool:
        """Whether sums are still there when this server has ended and starts again: they are kept elsewhere."""
        ...

    async def take(self, key: str, rate: Rate) -> Standing:
        """Take one from the bucket of this key, unless it is empty."""
        ...

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """Take one from each of these buckets, or from none of them if one is empty.

        Args:
            takes: Different keys, each with its rate.

        Returns:
            How it stands with each, in the same order: all are allowed, or those that are not are empty.
        """
        ...

    async def spent(self, key: str) -> float:
        """How much was spent under this key; 0 when it has expired."""
        ...

    async def spend(self, key: str, amount: float, *, until: float) -> None:
        """Add to what was spent under this key.

        Args:
            key: Whose, and which day's.
            amount: How much; what is negative or no number counts nothing, and more than 1e15 as that.
            until: When it may be forgotten, in seconds since 1970; nothing is counted when that is over.
        """
        ...

    def describe(self) -> Part:
        """What stands behind it, from memory."""
        ...

    async def warm(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

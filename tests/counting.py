"""Counters in this process's memory, for tests of what counts with them."""

from collections import defaultdict
from collections.abc import Sequence

from lectern.ports import Part, Rate, Standing


class MemoryCounters:
    """Sums that never expire; `until` of each is noted. It takes from no bucket."""

    outlive_restarts = False

    def __init__(self) -> None:
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.until: dict[str, float] = {}
        self.asked = 0

    async def take(self, key: str, rate: Rate) -> Standing:
        """Always pass."""
        return Standing(allowed=True, remaining=rate.count, reset_seconds=0, retry_after_seconds=0)

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """Always pass."""
        return [await self.take(key, rate) for key, rate in takes]

    async def spent(self, key: str) -> float:
        """The sum."""
        self.asked += 1
        return self.sums.get(key, 0)

    async def spend(self, key: str, amount: float, *, until: float) -> None:
        """Add to it."""
        self.sums[key] += amount
        self.until[key] = until

    def describe(self) -> Part:
        """Memory."""
        return Part("counters", "memory", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

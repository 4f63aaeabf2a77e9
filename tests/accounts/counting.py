"""Counters in this process, for what must hold whatever counts; and a hasher that says how often it worked."""

import math
import time
from collections import defaultdict
from collections.abc import Sequence

from lectern.accounts.passwords import Passwords
from lectern.ports import Part, Rate, Standing


class LocalCounters:
    """Token buckets in a dictionary. `now` is theirs, so a test need not wait."""

    outlive_restarts = False

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.buckets: dict[str, tuple[float, float]] = {}
        self.sums: dict[str, float] = defaultdict(float)

    async def take(self, key: str, rate: Rate) -> Standing:
        """Take one, unless the bucket is empty."""
        held, since = self.buckets.get(key, (rate.count, self.now))
        refill = rate.count / rate.seconds
        held = min(rate.count, held + (self.now - since) * refill)
        allowed = held >= 1
        held -= allowed
        self.buckets[key] = (held, self.now)
        wait = 0 if held >= 1 else (1 - held) / refill
        return Standing(allowed, math.floor(held), (rate.count - held) / refill, wait)

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """Take one from each; these tests never ask for several."""
        return [await self.take(key, rate) for key, rate in takes]

    async def spent(self, key: str) -> float:
        """The sum."""
        return self.sums[key]

    async def spend(self, key: str, amount: float, *, until: float) -> None:
        """Add to the sum."""
        self.sums[key] += amount

    def describe(self) -> Part:
        """Local."""
        return Part("counters", "local", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class CountedPasswords(Passwords):
    """The real hasher with little memory, so that a suite takes seconds; counts what it does."""

    def __init__(self) -> None:
        super().__init__(memory_kib=64, passes=1)
        self.hashed = self.verified = 0

    async def hash(self, password: str) -> str:
        """As the real one."""
        self.hashed += 1
        return await super().hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """As the real one."""
        self.verified += 1
        return await super().verify(password_hash, password)

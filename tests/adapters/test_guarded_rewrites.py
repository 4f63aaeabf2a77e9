"""Rewritten pieces behind their guard: few transactions at once, whoever leaves."""

import asyncio
from collections.abc import Collection, Mapping

from lectern.adapters.guarded_rewrites import GuardedRewrites
from lectern.ports import Claim


class SlowRewrites:
    """Keeps nothing; counts how many transactions there are at once, and ends them when it is told to."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.go = asyncio.Event()

    async def _transaction(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go.wait()
        self.now -= 1

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """All keys are there."""
        await self._transaction()
        return dict.fromkeys(keys, "kept")

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """All of it is the caller's."""
        await self._transaction()
        return Claim({}, frozenset(keys))

    async def keep(self, texts: Mapping[str, str]) -> None:
        """Nothing."""
        await self._transaction()

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """Nothing."""
        await self._transaction()


async def test_chapters_leave_connections_to_questions() -> None:
    """Of forty chapters that begin at once, two have a transaction; what they get is as without the guard."""
    slow = SlowRewrites()
    guarded = GuardedRewrites(slow, most=2)
    looking = [asyncio.create_task(guarded.kept([f"key{number}"])) for number in range(40)]
    claiming = asyncio.create_task(guarded.claim(["a"], holder="me", seconds=5))
    others = [asyncio.create_task(work) for work in (guarded.keep({"a": "b"}), guarded.release(["a"], holder="me"))]
    leaving = looking.pop()
    for _ in range(5):
        await asyncio.sleep(0)
    leaving.cancel()
    slow.go.set()
    found = await asyncio.gather(*looking)
    await asyncio.wait([leaving, *others])
    assert found == [{f"key{number}": "kept"} for number in range(39)]
    assert await claiming == Claim({}, frozenset({"a"}))
    assert (slow.most, slow.now) == (2, 0)

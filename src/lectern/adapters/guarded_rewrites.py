"""Rewritten pieces, a few transactions at once.

Chapters that begin together have hundreds, all on the connections that questions use too. Who waits here holds none.
"""

import asyncio
from collections.abc import Collection, Mapping

from lectern.ports import Claim, Rewrites


class GuardedRewrites:
    """Implements `lectern.ports.Rewrites`.

    Args:
        rewrites: Where they are kept.
        most: Transactions at once.
    """

    def __init__(self, rewrites: Rewrites, most: int) -> None:
        self._rewrites = rewrites
        self._places = asyncio.Semaphore(most)

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """As `Rewrites.kept`."""
        async with self._places:
            return await self._rewrites.kept(keys)

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """As `Rewrites.claim`."""
        async with self._places:
            return await self._rewrites.claim(keys, holder=holder, seconds=seconds)

    async def keep(self, texts: Mapping[str, str]) -> None:
        """As `Rewrites.keep`."""
        async with self._places:
            await self._rewrites.keep(texts)

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """As `Rewrites.release`."""
        async with self._places:
            await self._rewrites.release(keys, holder=holder)

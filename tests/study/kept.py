"""What is rewritten, kept in memory for as many rewriters as share it; and a store that is down."""

import time
from collections.abc import Callable, Collection, Mapping

from lectern.errors import StoreUnavailable
from lectern.ports import Claim


class MemoryRewrites:
    """Implements `lectern.ports.Rewrites`; remembers what it was asked.

    Args:
        now: Seconds, for leases.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.texts: dict[str, str] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.asked: list[str] = []
        self._now = now

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """What is there."""
        self.asked.append("kept")
        return {key: self.texts[key] for key in keys if key in self.texts}

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """What is there, and what nobody has claimed."""
        self.asked.append("claim")
        kept = await self.kept(keys)
        mine = set()
        for key in set(keys) - kept.keys():
            other, until = self.leases.get(key, (holder, 0.0))
            if other == holder or until <= self._now():
                self.leases[key] = holder, self._now() + seconds
                mine.add(key)
        return Claim(kept, frozenset(mine))

    async def keep(self, texts: Mapping[str, str]) -> None:
        """Keep what is not there yet."""
        for key, text in texts.items():
            self.texts.setdefault(key, text)
            self.leases.pop(key, None)

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """Give up leases."""
        for key in keys:
            if self.leases.get(key, ("", 0))[0] == holder:
                del self.leases[key]


class UnavailableRewrites:
    """A store that is down."""

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """Fail."""
        raise StoreUnavailable

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """Fail."""
        raise StoreUnavailable

    async def keep(self, texts: Mapping[str, str]) -> None:
        """Fail."""
        raise StoreUnavailable

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """Fail."""
        raise StoreUnavailable

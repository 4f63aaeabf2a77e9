"""Integrations' keys as a source of who somebody is.

A worker has the keys that hold in memory, and reads them anew when one is shown and it last read them `FRESH_SECONDS`
ago: so a key that is used costs one statement in that time, and one that was revoked is worth nothing after it. Whether
a key is none can only be told by what was read after it was shown; but whoever makes keys up causes no more than a
statement every `PAUSE_SECONDS`, as all who wait share it.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lectern.errors import LecternError, StoreUnavailable, Unauthorized
from lectern.integrations.tokens import PREFIX, digest_of
from lectern.ports import ApiKey, ApiKeys, Part, State
from lectern.principal import Principal

FRESH_SECONDS: Final = 5.0
"""How long a worker believes what it read; a key that leaked works so long after it was revoked."""

PAUSE_SECONDS: Final = 1.0
"""Between two readings; a key that nobody has is refused so much later at most."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read: the keys by digest, and when the reading began."""

    keys: Mapping[str, ApiKey]
    at: float


class KeyIdentities:
    """Implements `lectern.ports.IdentitySource`.

    Args:
        keys: Where they are kept.
        now: Seconds, of a clock that only goes on.
    """

    def __init__(self, keys: ApiKeys, *, now: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._now = keys, now
        self._read: _Read | None = None
        self._reading: asyncio.Task[LecternError | None] | None = None
        self._state: State = "unknown"

    async def by_token(self, token: str) -> Principal | None:
        """Whose key this is."""
        if not token.startswith(PREFIX):
            return None
        digest = digest_of(token)
        key = await self._find(digest) if digest else None
        if key is None or (key.expires_at is not None and key.expires_at <= datetime.now(UTC)):
            raise Unauthorized
        return Principal("integration", key.id, name=key.name, rate=key.rate)

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:  # noqa: ARG002 - the port's
        """Nobody: keys are not for browsers."""
        return None

    def describe(self) -> Part:
        """As the last reading went."""
        return Part("integrations", "API keys", self._state)

    async def warm(self) -> None:
        """Nothing to do: the database is the store's."""

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _find(self, digest: str) -> ApiKey | None:
        """The key of a digest, as far as it is told by what was read a moment ago, or after this was asked."""
        asked, read = self._now(), self._read
        if read is not None and digest in read.keys and asked - read.at < FRESH_SECONDS:
            return read.keys[digest]
        while (read := self._read) is None or read.at < asked:
            if self._reading is None or self._reading.done():
                # In a context of its own: it is not the work of the request that happens to begin it.
                self._reading = asyncio.create_task(self._read_anew(), context=contextvars.Context())
            error = await asyncio.shield(self._reading)
            if error is not None:
                raise error
        return read.keys.get(digest)

    async def _read_anew(self) -> LecternError | None:
        """Read the keys, not too soon after the last time; returns why that failed, as those who wait may have left."""
        if self._read is not None:
            await asyncio.sleep(self._read.at + PAUSE_SECONDS - self._now())
        at = self._now()
        try:
            self._read = _Read(await self._keys.holding(), at)
        except StoreUnavailable as error:
            self._state = "down"
            return error
        self._state = "ok"
        return None

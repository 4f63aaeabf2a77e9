"""The keys of a login server: fetched when they are wanted, kept in memory and on disk, never asked for too often.

A request waits for the server only when there is no key at all, when a token names a key that is not known (once a
minute a process), or when the keys are so old that a revoked one could still be among them. Otherwise they are fetched
again behind the requests that use them. Requests that wait at the same time share one fetch.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from typing import Final

import anyio.to_thread
import jwt

from lectern import key_set
from lectern.adapters.jwks import counted
from lectern.adapters.jwks_file import Fetched, JwksFile, may_be_believed
from lectern.adapters.jwt_verification import VerifyingKeys
from lectern.adapters.provider import Provider
from lectern.adapters.provider_outcome import FOREIGN, brief
from lectern.errors import LoginUnavailable
from lectern.key_set import RefusedKeys
from lectern.ports import State

logger = logging.getLogger(__name__)

FETCH_SECONDS: Final = 5.0
"""For a whole fetch. A reader may wait for it; a function of Vercel's that sleeps wakes in one to three."""

FRESH_SECONDS: Final = 3600.0
"""Keys are fetched again behind the first request after that time, which an hour's outage of the server passes over."""

OLD_SECONDS: Final = 2 * FRESH_SECONDS
"""The first request after that time waits for new ones, so that a key revoked before is not believed again."""

UNKNOWN_SECONDS: Final = 60.0
"""At most once in that time an unknown key is asked for: anybody may send a token that names one."""

RETRY_SECONDS: Final = 5.0
"""After a fetch that failed the server is left alone so long while there is no key; with keys `UNKNOWN_SECONDS`."""


class FetchedKeys:
    """Implements `Keys` with those that the server shows.

    Args:
        provider: The address of the keys.
        file: Where they are kept.
        now: Seconds since 1970.
    """

    def __init__(self, provider: Provider, file: JwksFile, *, now: Callable[[], float] = time.time) -> None:
        self._provider, self._file, self._now = provider, file, now
        self._held: Fetched | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._failed_at: float | None = None
        self._unknown_at: float | None = None
        self._problem = ""

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Find it, after asking the server where that may help."""
        await self._keep_up()
        found = self._known(kid, algorithm)
        if found is None and self._held is not None:
            if self._may_ask_for_unknown():
                self._unknown_at = self._now()
                self._fetch(lambda: self._known(kid, algorithm) is not None)
            if self._fetching is not None and not self._fetching.done():  # one that another began may bring it, too
                await asyncio.shield(self._fetching)
            found = self._known(kid, algorithm)
        if found is None and (self._held is None or self._failed_at is not None):
            raise LoginUnavailable(retry_after_seconds=RETRY_SECONDS)
        return found

    def standing(self) -> tuple[State, str]:
        """Whose keys there are, and what went wrong with the last fetch."""
        if self._held is None:
            return ("down", f"{self._provider.host}: {self._problem}") if self._problem else ("unknown", "no key yet")
        problem = f"; cannot be fetched again: {self._problem}" if self._problem else ""
        return "ok", f"{counted(self._held.keys)} of {self._provider.host}{problem}"

    async def warm(self) -> None:
        """Begin to fetch them; nobody waits for a login server that hangs."""
        self._fetch(self._is_fresh)

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        await self._provider.close()

    async def _keep_up(self) -> None:
        """Have keys, if that can be, and none that are too old."""
        if self._held is not None and not may_be_believed(self._held.at, self._now()):
            self._held = None
        if self._held is None:
            if self._passed(self._failed_at, RETRY_SECONDS):
                await asyncio.shield(self._fetch(self._is_fresh))
        elif not self._is_fresh() and self._passed(self._failed_at, UNKNOWN_SECONDS):
            fetching = self._fetch(self._is_fresh)
            if self._failed_at is None and self._passed(self._held.at, OLD_SECONDS):
                await asyncio.shield(fetching)

    def _fetch(self, enough: Callable[[], bool]) -> asyncio.Task[None]:
        """The one fetch that is under way, begun when there is none; it never raises."""
        if self._fetching is None or self._fetching.done():
            # In a context of its own: it is not the work of the request that happens to begin it.
            self._fetching = asyncio.create_task(self._update(enough), context=contextvars.Context())
        return self._fetching

    async def _update(self, enough: Callable[[], bool]) -> None:
        """Take newer keys from the disk, where another worker may have put them, and if those will not do, fetch."""
        stored = await anyio.to_thread.run_sync(self._file.read, self._now())
        if stored is not None and (self._held is None or stored.at > self._held.at):
            self._held = stored
            if enough():
                self._succeeded()
                return
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                text = await self._provider.get_bytes("", most=key_set.MOST_BYTES)
            fetched = Fetched(VerifyingKeys(key_set.read(text)), self._now())
        except FOREIGN as error:
            self._failed(str(error) if isinstance(error, RefusedKeys) else brief(error))
            return
        self._held = fetched
        self._succeeded()
        try:
            await anyio.to_thread.run_sync(self._file.write, fetched)
        except OSError as error:
            logger.warning("The login server's keys could not be kept on disk: %s", error.strerror)

    def _succeeded(self) -> None:
        self._failed_at, self._problem = None, ""

    def _failed(self, problem: str) -> None:
        """Remember it; log it once, not for every request that meets it."""
        if self._problem != problem:
            logger.warning("The login server's keys could not be fetched from %s: %s", self._provider.host, problem)
        self._failed_at, self._problem = self._now(), problem

    def _may_ask_for_unknown(self) -> bool:
        """Whether the server may have a new key, and was not asked just now."""
        return self._passed(self._unknown_at, UNKNOWN_SECONDS) and self._passed(self._failed_at, RETRY_SECONDS)

    def _known(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        return self._held.keys.find(kid, algorithm) if self._held else None

    def _is_fresh(self) -> bool:
        return self._held is not None and not self._passed(self._held.at, FRESH_SECONDS)

    def _passed(self, moment: float | None, seconds: float) -> bool:
        """Whether so much time has passed since; so it is when the clock was set back."""
        return moment is None or not 0 <= self._now() - moment < seconds

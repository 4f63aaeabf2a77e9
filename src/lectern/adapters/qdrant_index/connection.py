"""One worker's connection to Qdrant: its client, what its failures mean, and which of them are tried again.

Reads have a short limit of time and are sent once more only when the connection was found broken. Writes are
idempotent, so they are repeated a bounded number of times, as late as the server asks. Neither the key nor a text of
the server reaches a message or the log.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import aiohttp

from lectern.adapters.provider import StatusError
from lectern.adapters.qdrant_index.rest import QdrantRest
from lectern.adapters.qdrant_index.transport import Transport
from lectern.errors import IndexUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Call = Callable[[QdrantRest], Awaitable[T]]

READ_SECONDS: Final = 3.0
"""Longest wait for one read: a search that takes longer is answered by the fallback instead."""

WRITE_SECONDS: Final = 30
"""Longest wait for one write; a batch of points is indexed before it is acknowledged."""

WRITE_ATTEMPTS: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
"""A write pauses twice as long each time, with jitter, or as long as `Retry-After` says, but never longer than this."""

FOREIGN: Final = (
    *(StatusError, aiohttp.ClientError, OSError, TimeoutError),
    *(ValueError, TypeError, AttributeError, LookupError, RecursionError),
)
"""What a call may raise: its failures, then what comes of reading garbage for an answer."""

_TOO_MANY: Final = 429
_CONFLICT: Final = 409
_MISSING: Final = 404
_SERVER: Final = 500
_REFUSED: Final = frozenset((401, 403))


class NoCollection(Exception):
    """There is no collection or alias of that name."""


class CollectionExists(Exception):
    """There is a collection of that name already."""


class QdrantConnection:
    """An address and a key, and what its calls may cost.

    Attributes:
        host: The server's name.
        client: Its calls, bare.

    Args:
        url: `https://host:port`; a URL without a port means 6333, as for Qdrant's own client. 443 has to be written.
        api_key: None for a server that needs none.
        tls: Shared by all clients of a process, because making one costs 20 ms; None makes one.
        read_seconds: Longest wait for one read.
        first_pause_seconds: Pause before the first repetition of a write.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        tls: ssl.SSLContext | None = None,
        read_seconds: float = READ_SECONDS,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self.host = urlsplit(url).hostname or url
        self.client = QdrantRest(Transport(url, api_key=api_key, tls=tls))
        self._read_seconds = read_seconds
        self._first_pause_seconds = first_pause_seconds

    async def close(self) -> None:
        """Close all connections. It can be used again."""
        await self.client.close()

    async def read(self, call: Call[T]) -> T:
        """Ask for something.

        Raises:
            NoCollection: What was asked is not there.
            IndexUnavailable: Qdrant did not answer in time, failed or refused.
        """
        try:
            async with asyncio.timeout(self._read_seconds):
                try:
                    return await call(self.client)
                except aiohttp.ClientConnectorError:
                    raise
                except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
                    if isinstance(error, TimeoutError):
                        raise
                    # An idle connection that the other side has closed is noticed by the next request on it.
                    return await call(self.client)
        except FOREIGN as error:
            raise translate(error) from error

    async def write(self, call: Call[T]) -> T:
        """Change something, or ask as patiently; the call must be idempotent.

        Raises:
            NoCollection, CollectionExists: As they say.
            IndexUnavailable: Qdrant refused, or failed at the last attempt too.
        """
        pause = self._first_pause_seconds
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    return await call(self.client)
            except FOREIGN as error:
                if attempt == WRITE_ATTEMPTS or not _is_passing(error):
                    raise translate(error) from error
                asked = _retry_after(error)
                wait = asked if asked is not None else pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
                log.warning("Qdrant: %s; writing again in %.1f s", brief(error), wait)
                await asyncio.sleep(min(wait, LONGEST_PAUSE_SECONDS))
                pause *= 2
        raise AssertionError("the last attempt returns or raises")


def translate(error: BaseException) -> Exception:
    """The error of ours that a failure means."""
    if isinstance(error, StatusError):
        if error.status == _MISSING:
            return NoCollection()
        if error.status == _CONFLICT or "already exists" in error.complaint:
            return CollectionExists()
    return IndexUnavailable(retry_after_seconds=_retry_after(error))


def brief(error: BaseException | None) -> str:
    """What happened, for the operator: never the key, nor a text of the server, which may repeat the request."""
    if isinstance(error, StatusError):
        hint = ", look at QDRANT_API_KEY" if error.status in _REFUSED else ""
        return f"status {error.status}{hint}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return type(error).__name__


def _is_passing(error: BaseException) -> bool:
    """Whether the same write may succeed later."""
    if isinstance(error, StatusError):
        return error.status == _TOO_MANY or error.status >= _SERVER
    return isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError))


def _retry_after(error: BaseException) -> float | None:
    try:
        return max(0.0, float(error.retry_after)) if isinstance(error, StatusError) and error.retry_after else None
    except ValueError:
        return None

"""One worker's connection to Qdrant: its client, what its failures mean, and which of them are tried again.

Reads have a short limit of time and are sent once more only when the connection was found broken. Writes are
idempotent, so they are repeated a bounded number of times, as late as the server asks. Neither the key nor a text of
the server reaches a message or the log.
"""

import asyncio
import logging
import random
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from lectern.errors import IndexUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Call = Callable[[AsyncQdrantClient], Awaitable[T]]

DEFAULT_PORT: Final = 6333
"""Where Qdrant and Qdrant Cloud listen for REST, with and without TLS."""

READ_SECONDS: Final = 3.0
"""Longest wait for one read: a search that takes longer is answered by the fallback instead."""

WRITE_SECONDS: Final = 30
"""Longest wait for one write; a batch of points is indexed before it is acknowledged."""

WRITE_ATTEMPTS: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
"""A write pauses twice as long each time, with jitter, or as long as `Retry-After` says, but never longer than this."""

CONNECTIONS: Final = 100
KEEPALIVE_SECONDS: Final = 60
"""Without explicit limits the client opens a new connection for each call to a server on this machine."""

FOREIGN: Final = (
    *(ApiException, QdrantException, httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError),
    *(ValueError, TypeError, AttributeError, LookupError, RecursionError),
)
"""What a call may raise: the client's failures, then what comes of reading garbage for an answer."""

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
    """An address and a key, and the client for them, made at the first use inside the loop that uses it.

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
        parts = urlsplit(url)
        self.host = parts.hostname or url
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._tls = tls
        self._read_seconds = read_seconds
        self._first_pause_seconds = first_pause_seconds
        self._client: AsyncQdrantClient | None = None

    @property
    def client(self) -> AsyncQdrantClient:
        """The client, made at the first use."""
        if self._client is None:
            self._client = self._make()
        return self._client

    async def close(self) -> None:
        """Close all connections. It can be used again."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

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
                except ResponseHandlingException as error:
                    if not isinstance(error.source, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
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

    def _make(self) -> AsyncQdrantClient:
        limits = httpx.Limits(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS
        )
        return AsyncQdrantClient(
            url=self._url,
            port=DEFAULT_PORT,
            # As a header, not as `api_key`: over plain http the client would print a warning of its own each time.
            headers={"api-key": self._api_key} if self._api_key else None,
            prefer_grpc=False,
            check_compatibility=False,
            timeout=WRITE_SECONDS,
            limits=limits,
            verify=self._tls or True,
        )


def translate(error: BaseException) -> Exception:
    """The error of ours that a failure means."""
    if isinstance(error, UnexpectedResponse):
        if error.status_code == _MISSING:
            return NoCollection()
        if error.status_code == _CONFLICT or (b"already exists" in (error.content or b"")):
            return CollectionExists()
    # The client's local mode has no statuses.
    if type(error) is ValueError and re.fullmatch(r"Collection \S+ not found", str(error)):
        return NoCollection()
    if type(error) is ValueError and re.fullmatch(r"Collection \S+ already exists", str(error)):
        return CollectionExists()
    return IndexUnavailable(retry_after_seconds=_retry_after(error))


def brief(error: BaseException | None) -> str:
    """What happened, for the operator: never the key, nor a text of the server, which may repeat the request."""
    if isinstance(error, UnexpectedResponse):
        hint = ", look at QDRANT_API_KEY" if error.status_code in _REFUSED else ""
        return f"status {error.status_code}{hint}"
    if isinstance(error, ResourceExhaustedResponse):
        return f"status {_TOO_MANY}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = error.source if isinstance(error, ResponseHandlingException) else error
    return type(cause).__name__


def _is_passing(error: BaseException) -> bool:
    """Whether the same write may succeed later. A 429 is one of the client's own errors, readable or not."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code == _TOO_MANY or (error.status_code or 0) >= _SERVER
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, (httpx.TransportError, OSError))
    return isinstance(error, (QdrantException, httpx.TransportError, OSError))


def _retry_after(error: BaseException) -> float | None:
    seconds = getattr(error, "retry_after_s", None)
    if seconds is None and isinstance(error, UnexpectedResponse):
        seconds = error.headers.get("retry-after")
    try:
        return max(0.0, float(seconds)) if seconds is not None else None
    except (TypeError, ValueError):
        return None

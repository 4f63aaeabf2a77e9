"""How Qdrant is reached: JSON over HTTP, on connections that are kept."""

import json
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

DEFAULT_PORT: Final = 6333
"""Where Qdrant and Qdrant Cloud listen for REST, with and without TLS."""

CONNECTIONS: Final = 100
KEEPALIVE_SECONDS: Final = 60

_SUCCESS: Final = range(200, 300)


class StatusError(Exception):
    """An answer that is none of success.

    Args:
        status: HTTP's.
        content: What the server said; it may repeat the request, so nobody is shown it.
        retry_after: What it said of when to come again, if it did.
    """

    def __init__(self, status: int, content: bytes = b"", retry_after: str | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.content = content
        self.retry_after = retry_after


class Transport:
    """The way to one server. Nothing is opened before the first call.

    Attributes:
        address: Its address, with a port.

    Args:
        url: `https://host:port`, with a path where a proxy wants one; without a port, `DEFAULT_PORT`.
        api_key: None for a server that needs none.
        tls: None for the machine's certificates.
        seconds: Longest wait for one answer.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, tls: ssl.SSLContext | None = None, seconds: float = 30
    ) -> None:
        self.address = _with_port(url)
        self._headers = {"Content-Type": "application/json"} | ({"api-key": api_key} if api_key else {})
        self._tls = tls
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """One request; the `result` of its answer.

        Raises:
            StatusError: The server refuses.
            aiohttp.ClientError, OSError, TimeoutError: It was not reached, or its answer broke off.
            ValueError, TypeError, LookupError: The answer is none of Qdrant's, or the body holds what JSON cannot say.
        """
        text = None if body is None else json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
        async with self._opened().request(method, self.address + path, data=text, allow_redirects=False) as response:
            content = await response.read()
            if response.status not in _SUCCESS:
                raise StatusError(response.status, content, response.headers.get("retry-after"))
            return json.loads(content)["result"]

    async def close(self) -> None:
        """Close all connections. It can be used again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made at the first use inside the loop that uses it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls or True, limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS
                ),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=_proxy(self.address),
            )
        return self._session


def _with_port(url: str) -> str:
    parts = urlsplit(url.rstrip("/"))
    if parts.port is not None:
        return parts.geturl()
    return parts._replace(netloc=f"{parts.netloc}:{DEFAULT_PORT}").geturl()


def _proxy(address: str) -> str | None:
    """The proxy that the environment names for an address; looked up once, as aiohttp itself would for each call."""
    parts = urlsplit(address)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)

"""A provider over HTTP, of models or of an index: its address, its key, connections, and statuses of refusal.

A provider's API is a few calls that take and give JSON, so no SDK stands between: one cost 3 ms a turn, 14 MB and half
a second at the start. aiohttp holds the connections; its parser is C, and a token read through it costs a quarter of
one read through a client whose parser is Python. Nothing is retried here: whoever calls a port owns that decision.
"""

import json
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

import lectern

_KEEPALIVE_SECONDS: Final = 60
_REFUSAL_BYTES: Final = 16_384
"""As much of a refusal is read as says why."""

_SUCCESS: Final = range(200, 300)


class StatusError(Exception):
    """A provider refused a call.

    Attributes:
        status: The HTTP status.
        code: The provider's own code for it, or empty.
        complaint: All that it said. It may repeat the request: for finding words in, never to be shown.
        retry_after: The `Retry-After` header, if there was one.
    """

    def __init__(self, status: int, *, code: str = "", complaint: str = "", retry_after: str | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.code = code
        self.complaint = complaint
        self.retry_after = retry_after

    @classmethod
    async def of(cls, response: aiohttp.ClientResponse) -> "StatusError":
        """The error that an answer is."""
        body = b""
        with suppress(aiohttp.ClientError, OSError):  # what came so far has to do
            while len(body) < _REFUSAL_BYTES and (part := await response.content.readany()):
                body += part
        complaint = body.decode(errors="replace")
        return cls(
            response.status,
            code=_code(complaint),
            complaint=complaint,
            retry_after=response.headers.get("Retry-After"),
        )


class Provider:
    """One address and key, and the connections to it, opened at the first call inside the loop that uses it.

    How many are open is limited by who lets calls in, not here: a stream holds one for its life.

    Args:
        base_url: What every path is put behind, like `https://api.openai.com/v1`. A user and password in it are sent
            as such, instead of the key.
        api_key: Sent as a bearer token; None for a server that needs none.
        tls: Shared by all providers of a process, because making one costs 20 ms; None makes one.
        connect_timeout_seconds: Time to connect, TLS included. Every other limit of time is the caller's: it spans
            more than one read.
        headers: More that are sent with each call, for an API that wants its key elsewhere.

    Attributes:
        host: Host and port, without secrets.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        tls: ssl.SSLContext | None = None,
        connect_timeout_seconds: float = 5,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        user, _, self.host = parts.netloc.rpartition("@")
        self._base = parts._replace(netloc=self.host, query="", fragment="").geturl().rstrip("/")
        self._headers = {"User-Agent": f"lectern/{lectern.__version__}", "Content-Type": "application/json"}
        if user:
            self._headers["Authorization"] = f"Basic {b64encode(unquote(user).encode()).decode()}"
        elif api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._headers |= headers or {}
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """One call; the JSON that came back.

        Raises:
            StatusError: The provider refused it.
            aiohttp.ClientError, OSError, ValueError: It failed, or came back as something else.
        """
        return await self.call("POST", path, body)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """As `post`, with nothing to send."""
        return await self.call("GET", path)

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """As `post`, by any method."""
        response = await self._call(method, path, body)
        try:
            return json.loads(await response.read())
        finally:
            response.close()

    async def get_bytes(self, path: str, *, most: int) -> bytes:
        """As `get`, but the body as it came. Of one that is longer than `most` bytes, more than that comes, not all."""
        response = await self._call("GET", path, None)
        try:
            body = b""
            while len(body) <= most and (part := await response.content.readany()):
                body += part
            return body
        finally:
            response.close()

    async def post_streamed(self, path: str, body: dict[str, Any]) -> aiohttp.ClientResponse:
        """As `post`, but the answer's body is still to be read; the caller closes it, which is no waiting."""
        return await self._call("POST", path, body)

    async def close(self) -> None:
        """Close all connections. The provider can be used again."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> aiohttp.ClientResponse:
        session = self._session or self._open()
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        response = await session.request(method, URL(self._base + path), data=data, allow_redirects=False)
        if response.status in _SUCCESS:
            return response
        try:
            raise await StatusError.of(response)
        finally:
            response.close()

    def _open(self) -> aiohttp.ClientSession:
        parts = urlsplit(self._base)
        proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls or True, keepalive_timeout=_KEEPALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=self._timeout,
            proxy=proxy,
        )
        return self._session


def _code(complaint: str) -> str:
    """The provider's code for a refusal: `{"error": {"code": …}}`, else empty."""
    try:
        code = json.loads(complaint)["error"]["code"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return code if isinstance(code, str) else ""

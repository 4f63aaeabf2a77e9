"""A reader on one kept-alive connection, who looks at as little of an answer as tells where it ends."""

import asyncio
import json
from collections.abc import Callable
from typing import Final, Self

DELTA: Final = b"event: delta"
"""In each frame of Lectern's that carries a token, once."""

_PATIENCE_SECONDS: Final = 120
"""For one answer; valgrind makes the few milliseconds of one fifty times as long."""


def request(method: str, path: str, body: object = None, *, stream: bool = False) -> bytes:
    """The bytes of a request, with the headers that a browser's page sends."""
    data = json.dumps(body).encode() if body is not None else b""
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"]
    head += [f"Accept: {'text/event-stream' if stream else 'application/json'}", "Accept-Language: en-US,en;q=0.5"]
    if data:
        head += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join((*head, "", "")).encode() + data


class Reader(asyncio.Protocol):
    """One connection, one request at a time.

    Args:
        token: Bytes that each token's frame has once.
        on_token: Called for each token that has come.

    Attributes:
        tokens: Tokens that came.
        reads: How often anything came.
    """

    def __init__(self, token: bytes, on_token: Callable[[], None]) -> None:
        self.tokens = 0
        self.reads = 0
        self._token = token
        self._on_token = on_token
        self._parts: list[bytes] = []
        self._left: int | None = None
        self._chunked = False
        self._over: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    @classmethod
    async def connect(cls, port: int, token: bytes, on_token: Callable[[], None]) -> Self:
        """A reader of whoever listens on this port of loopback."""
        loop = asyncio.get_running_loop()
        reader = cls(token, on_token)
        reader._transport, _ = await loop.create_connection(lambda: reader, "127.0.0.1", port)
        return reader

    def watch(self, on_token: Callable[[], None]) -> None:
        """Have this called at each token, too, and first."""
        before = self._on_token

        def both() -> None:
            on_token()
            before()

        self._on_token = both

    async def ask(self, data: bytes) -> bytes:
        """Send a request; the whole answer, head included.

        Raises:
            TimeoutError: It does not end.
            ConnectionError: It was cut off.
        """
        self._parts.clear()
        self._over = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._over
        answer = b"".join(self._parts)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise AssertionError(answer)
        return answer

    def close(self) -> None:
        """Leave."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Count its tokens, and see whether the answer ends."""
        self.reads += 1
        if not self._parts:
            self._begin(data)
        elif self._left is not None:
            self._left -= len(data)
        self._parts.append(data)
        for _ in range(data.count(self._token)):
            self.tokens += 1
            self._on_token()
        ended = data.endswith(b"0\r\n\r\n") if self._chunked else self._left == 0
        if ended and self._over is not None and not self._over.done():
            self._over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        if self._over is not None and not self._over.done():
            self._over.set_exception(ConnectionError("cut off"))

    def _begin(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        self._chunked = not length
        self._left = int(length.partition(b"\r\n")[0]) - len(body) if length else None

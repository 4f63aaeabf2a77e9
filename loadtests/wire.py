"""One exchange on a connection, of its own or a kept one, with the moment of every token.

It parses no JSON and makes no object a token, so that the driver's own cost does not stand in what is measured.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

import httptools

_LAST: Final = "Connection: close\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that answers.

    Attributes:
        name: Its name in the report.
        request: The bytes of a whole request.
        token: Bytes that each token's frame has once; a whole object counts as one token.
        ending: Bytes that only a whole answer has.
    """

    name: str
    host: str
    port: int
    request: bytes
    token: bytes
    ending: bytes

    @classmethod
    def of(
        cls, name: str, url: str, body: bytes, token: bytes, ending: bytes, *, accept: str = "text/event-stream"
    ) -> "Target":
        """A target from its URL; the request is a POST of JSON, and the last one of its connection."""
        parts = urlsplit(url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{_LAST}\r\n"
        )
        return cls(name, parts.hostname or "127.0.0.1", parts.port or 80, head.encode() + body, token, ending)

    def renamed(self, name: str) -> "Target":
        """The same under another name."""
        return replace(self, name=name)

    def kept(self) -> "Target":
        """The same on a connection that stays open for the next exchange."""
        return replace(self, request=self.request.replace(_LAST.encode(), b"", 1))


@dataclass(slots=True)
class Trace:
    """What came, in seconds of the loop's clock.

    Attributes:
        due: When the exchange should have begun by the schedule; all is counted from there.
        tokens: When each token came.
        ended: When the body ended; None when it did not.
        retry_after: Whether a refusal said when to come again.
        error: Why it is no answer; empty when it is one.
    """

    due: float
    status: int = 0
    headed: float | None = None
    tokens: list[float] = field(default_factory=list)
    ended: float | None = None
    retry_after: bool = False
    error: str = ""


class Connection(asyncio.Protocol):
    """A connection that carries one exchange after another: feeds what comes to the parser, which calls back."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._again = False

    @property
    def reusable(self) -> bool:
        """Whether the last exchange came to its end and both sides keep the connection."""
        return self._again and not self._transport.is_closing()

    async def ask(self, target: Target, trace: Trace) -> None:
        """Send the request, and fill the trace until the answer or the connection ends."""
        self._target, self._trace = target, trace
        self._parser = httptools.HttpResponseParser(self)
        self._tail = b""
        self._whole = self._again = False
        self._over = self._loop.create_future()
        self._transport.write(target.request)
        await self._over

    def abort(self) -> None:
        """Close it at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be told by the loop that it stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand the parser what came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._trace.error = f"not HTTP: {type(error).__name__}"
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note whether a refusal says when to come again."""
        del value
        if name.lower() == b"retry-after":
            self._trace.retry_after = True

    def on_headers_complete(self) -> None:
        """Note the status and the moment."""
        self._trace.status = self._parser.get_status_code()
        self._trace.headed = self._loop.time()

    def on_body(self, body: bytes) -> None:
        """Note the moment of each token in it."""
        text = self._tail + body
        if count := text.count(self._target.token):
            self._trace.tokens += [self._loop.time()] * count
        self._whole = self._whole or self._target.ending in text
        # A mark that is cut in two is seen with the next part, and one that is whole is not seen again.
        marks = (self._target.token, self._target.ending)
        keep = max(map(len, marks)) - 1
        tail = text[-keep:]
        self._tail = b"" if any(mark in tail for mark in marks) else tail

    def on_message_complete(self) -> None:
        """Note the end, and whether the connection may stay."""
        self._trace.ended = self._loop.time()
        self._again = self._parser.should_keep_alive()
        self._end("")

    def connection_lost(self, exc: Exception | None) -> None:
        """End an exchange that had not ended."""
        self._again = False
        self._end(f"broken: {type(exc).__name__ if exc else 'closed'}")

    def _end(self, error: str) -> None:
        if self._over.done():
            return
        if not self._trace.error:
            if error:
                self._trace.error = error
            elif self._trace.status != 200:  # noqa: PLR2004 - HTTP
                self._trace.error = f"status {self._trace.status}"
            elif not self._whole:
                self._trace.error = "truncated"
        self._over.set_result(None)


async def exchange(target: Target, due: float, seconds: float, idle: list[Connection] | None = None) -> Trace:
    """Run one exchange to its end, or for so many seconds.

    Args:
        target: Whom to ask.
        due: When it should have begun.
        seconds: How long it may take.
        idle: Kept connections to the target: one of them is used, if there is one, and comes back when it may.
    """
    trace = Trace(due)
    connection: Connection | None = None
    try:
        async with asyncio.timeout(seconds):
            connection = await _connected(target, idle)
            await connection.ask(target, trace)
    except TimeoutError:
        trace.error = "not over in time"
    except OSError as error:
        trace.error = f"not reached: {type(error).__name__}"
    finally:
        if connection is not None:
            if idle is not None and connection.reusable:
                idle.append(connection)
            else:
                connection.abort()
    return trace


async def _connected(target: Target, idle: list[Connection] | None) -> Connection:
    while idle:
        if (kept := idle.pop()).reusable:
            return kept
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, target.host, target.port)
    return connection

"""One streamed exchange on a connection of its own, with the moment of every token.

It parses no JSON and makes no object a token, so that the driver's own cost does not stand in what is measured.
"""

import asyncio
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True, slots=True)
class Target:
    """Something that streams answers.

    Attributes:
        name: Its name in the report.
        request: The bytes of a whole request.
        token: Bytes that each token's frame has once.
        ending: Bytes that only a whole answer has.
    """

    name: str
    host: str
    port: int
    request: bytes
    token: bytes
    ending: bytes

    @classmethod
    def of(cls, name: str, url: str, body: bytes, token: bytes, ending: bytes) -> "Target":
        """A target from its URL; the request is a POST of JSON that takes an event stream."""
        parts = urlsplit(url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return cls(name, parts.hostname or "127.0.0.1", parts.port or 80, head.encode() + body, token, ending)

    def renamed(self, name: str) -> "Target":
        """The same under another name."""
        return replace(self, name=name)


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


class _Exchange(asyncio.Protocol):
    """Feeds what comes to the parser; the parser calls back."""

    def __init__(self, target: Target, trace: Trace) -> None:
        self._target, self._trace = target, trace
        self._parser = httptools.HttpResponseParser(self)
        self._loop = asyncio.get_running_loop()
        self._tail = b""
        self._whole = False
        self.over: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._trace.error = f"not HTTP: {type(error).__name__}"
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        del value
        if name.lower() == b"retry-after":
            self._trace.retry_after = True

    def on_headers_complete(self) -> None:
        self._trace.status = self._parser.get_status_code()
        self._trace.headed = self._loop.time()

    def on_body(self, body: bytes) -> None:
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
        self._trace.ended = self._loop.time()
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        trace = self._trace
        if not trace.error:
            if trace.ended is None:
                trace.error = f"broken: {type(exc).__name__ if exc else 'closed'}"
            elif trace.status != 200:  # noqa: PLR2004 - HTTP
                trace.error = f"status {trace.status}"
            elif not self._whole:
                trace.error = "truncated"
        if not self.over.done():
            self.over.set_result(None)


async def exchange(target: Target, due: float, seconds: float) -> Trace:
    """Run one exchange to its end, or for so many seconds."""
    trace = Trace(due)
    try:
        async with asyncio.timeout(seconds):
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(lambda: _Exchange(target, trace), target.host, target.port)
            try:
                await protocol.over
            finally:
                protocol._transport.abort()  # noqa: SLF001 - this module's own class
    except TimeoutError:
        trace.error = "not over in time"
    except OSError as error:
        trace.error = f"not reached: {type(error).__name__}"
    return trace

"""A stream as bytes: HTTP/1.1 and server-sent events, read by their own rules and in pieces of any length.

Nothing here is shared with what is tested, or knows of turns.
"""

from dataclasses import dataclass, field


class WireError(Exception):
    """The bytes are not what the protocol allows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event that came whole, its blank line included."""

    name: str
    id: str | None
    data: str


class Frames:
    """Makes events of a body's bytes (WHATWG HTML, 9.2.6)."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, data: bytes) -> list[Frame]:
        """The events that these bytes complete.

        Raises:
            WireError: A whole line is no UTF-8.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[Frame] = []
        for raw in lines:
            try:
                line = raw.removesuffix(b"\r").decode()
            except UnicodeDecodeError as error:
                raise WireError(f"a line is no UTF-8: {raw!r}") from error
            if line:
                self._take(line)
            elif fields := self._fields:
                self._fields = {}
                if "data" in fields:
                    found.append(Frame(fields.get("event", "message"), fields.get("id"), fields["data"]))
        return found

    @property
    def is_between(self) -> bool:
        """Whether the last event is whole, and no byte of another one has come."""
        return not self._rest and not self._fields

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        if not name:  # a comment
            return
        value = value.removeprefix(" ")
        self._fields[name] = f"{self._fields[name]}\n{value}" if name == "data" and "data" in self._fields else value


@dataclass
class Response:
    """Makes a status, headers and a body of a connection's bytes (RFC 9112).

    Attributes:
        status: 0 until the head is whole.
        headers: By their names in lower case; of those that repeat, the last.
        is_over: Whether the body came to its end as the head announced it.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    is_over: bool = False
    _rest: bytes = b""
    _left: int = 0
    _in_chunk: bool = False
    _is_last: bool = False

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body that are among these.

        Raises:
            WireError: The head or a chunk is broken.
        """
        self._rest += data
        if not self.status and not self._read_head():
            return b""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._unchunk()
        return self._take_whole()

    def _read_head(self) -> bool:
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        if version != "HTTP/1.1" or not status[:3].isdecimal():
            raise WireError(f"no status line: {first!r}")
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._left = int(self.headers.get("content-length", 0))
        self.is_over = self._left == 0 and "transfer-encoding" not in self.headers
        self.status, self._rest = int(status[:3]), rest
        return True

    def _take_whole(self) -> bytes:
        body, self._rest = self._rest[: self._left], self._rest[self._left :]
        self._left -= len(body)
        self.is_over = self._left == 0
        return body

    def _unchunk(self) -> bytes:
        """Each chunk is its size on a line, its bytes, and a line break; the last one has the size 0 and no bytes."""
        body = b""
        while self._in_chunk or b"\r\n" in self._rest:
            if not self._in_chunk:
                size, _, self._rest = self._rest.partition(b"\r\n")
                try:
                    self._left = int(size, 16)
                except ValueError as error:
                    raise WireError(f"no size of a chunk: {size[:20]!r}") from error
                self._in_chunk, self._is_last = True, self._left == 0
            piece, self._rest = self._rest[: self._left], self._rest[self._left :]
            body += piece
            self._left -= len(piece)
            if self._left or len(self._rest) < len(b"\r\n"):
                break
            if not self._rest.startswith(b"\r\n"):
                raise WireError(f"a chunk is longer than it said: {self._rest[:20]!r}")
            self._rest, self._in_chunk = self._rest[2:], False
            self.is_over = self._is_last
        return body

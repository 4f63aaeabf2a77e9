"""HTTP/1.1 over httptools with an end to clients that do not get on.

A connection has a fixed time to send each request head, whole; its size is bounded; a body has to keep coming. The
server underneath has none of these limits, so a thousand silent connections would stay for ever. A timer is set
once a connection, and again only for a request that does not arrive in one piece: a kept-alive client costs none.
"""

from asyncio import TimerHandle, Transport
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from . import process

# The most bytes of a request line and headers; real ones stay below 16 KiB.
MOST_HEAD_BYTES = 65_536
# The least bytes of a body that must arrive within one head timeout; slower than any modem.
LEAST_BODY_BYTES = 1024
# The most bytes that are dropped of a body that its answer, a refusal, did not wait for, so that the connection can
# stay open: four times the largest body that is taken by default.
MOST_UNREAD_BYTES = 1_048_576
# How long a draining worker waits for a request that may be on its way: on a connection that has sent none yet, and
# on a kept-alive one whose next request may already lie in the kernel.
NEW_LINGER_SECONDS = 1.0
IDLE_LINGER_SECONDS = 0.05
# How long what a refused client still sends is dropped: closed at once, it would be reset and lose the refusal.
REFUSED_LINGER_SECONDS = 1.0
# How long a connection that the app has given up may wait for a reader who takes no byte of what was written before.
UNREAD_SECONDS = 5.0


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    header_seconds: ClassVar[float] = 10.0

    _watch: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _in_head = False
    _in_body = False
    _head_bytes = 0
    _body_bytes = 0
    _last = False
    _refused = False

    @classmethod
    def with_timeout(cls, seconds: float) -> "type[GuardedProtocol]":
        """The protocol with its own time to send a request head, in seconds."""
        return type(cls.__name__, (cls,), {"header_seconds": seconds})

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Give the connection its time for the first head."""
        super().connection_made(transport)
        self._last = process.draining()
        self._set_watch(NEW_LINGER_SECONDS if self._last else self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unset_watch()
        self._unset_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is still missing afterwards has a deadline."""
        if self._refused:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_UNREAD_BYTES:
                self.transport.close()
            return
        in_body = self._in_body
        super().data_received(data)
        if self.transport.is_closing() or self._refused:
            return
        if in_body and self._between_requests() and not self._in_head:
            self._drop(len(data))
        elif self._between_requests():
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(431)
            elif self._watch is None:
                self._set_watch(self.header_seconds)
        elif self.cycle.more_body:
            self._body_bytes += len(data)
            if self._watch is None:
                self._watch_body()
        else:
            self._unset_watch()

    def pause_writing(self) -> None:
        """The reader is slower than the app: see that a closed connection does not wait for it for ever."""
        super().pause_writing()
        self._watch_unread(-1)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._unset_unread()
        super().resume_writing()

    def on_message_begin(self) -> None:
        """A head has begun."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole: its deadline is over."""
        self._in_head, self._in_body = False, True
        self._head_bytes = 0
        self._unset_watch()
        super().on_headers_complete()
        if self._last and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is out: a next head that had begun meanwhile gets its time now."""
        super().on_response_complete()
        if self._in_head and not self.transport.is_closing():
            self._set_watch(self.header_seconds)

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP."""
        self._unset_watch()
        super().send_400_response(msg)

    def shutdown(self) -> None:
        """Let the connection end: after its answer, or as soon as no request can be on its way."""
        self._last = True
        if self._refused:
            return
        if not self._between_requests():
            self.cycle.keep_alive = False
        elif self.cycle is None or self._in_head:
            self._set_watch(NEW_LINGER_SECONDS)
        else:
            self.loop.call_later(IDLE_LINGER_SECONDS, self._close_idle)

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_idle(self) -> None:
        if self._between_requests() and not self._in_head:
            self.transport.close()

    def _set_watch(self, seconds: float) -> None:
        self._unset_watch()
        self._watch = self.loop.call_later(seconds, self._too_slow)

    def _unset_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _too_slow(self) -> None:
        """The head did not arrive in time. A client that has sent nothing is told nothing."""
        self._watch = None
        if not self._between_requests() or self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(408)
        else:
            self.transport.close()

    def _drop(self, size: int) -> None:
        """Bytes came of a request that is answered already: let a small rest of it pass, and not for long."""
        self._head_bytes += size
        if self._head_bytes > MOST_UNREAD_BYTES:
            self.transport.close()
        elif not self._in_body:
            self._set_watch(self.timeout_keep_alive)
        elif self._watch is None:
            self._set_watch(self.header_seconds)

    def _watch_body(self) -> None:
        self._watch = self.loop.call_later(self.header_seconds, self._check_body, self._body_bytes)

    def _check_body(self, before: int) -> None:
        """The body did not end in time: go on if it comes along, or if it is the app that does not read."""
        self._watch = None
        if self._between_requests() or not self.cycle.more_body or self.transport.is_closing():
            return
        if self.flow.read_paused or self._body_bytes - before >= LEAST_BODY_BYTES:
            self._watch_body()
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
            self._refuse(408)

    def _watch_unread(self, before: int) -> None:
        """End a closing connection whose unsent bytes are as many as `before`; look again in a while otherwise."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == before and self.transport.is_closing():
            self.transport.abort()
        else:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self._watch_unread, unsent)

    def _unset_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _refuse(self, status: int) -> None:
        self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._refused = True
        self._unset_watch()
        self._watch = self.loop.call_later(REFUSED_LINGER_SECONDS, self.transport.close)

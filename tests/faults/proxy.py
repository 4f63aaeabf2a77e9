"""A TCP proxy on loopback that can be made to misbehave at run time, in the manner of toxiproxy.

with Proxy(port) as proxy:            # passes bytes on, both ways
proxy.set(Toxics(latency=0.5))        # from now on, also on open connections
proxy.set()                           # well again
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, Self, TypeVar

Result = TypeVar("Result")

_PIECE_BYTES = 65_536
Ending = Literal["fin", "rst", "hang"]


@dataclass(frozen=True, slots=True)
class Toxics:
    """What goes wrong. Times are in seconds; sizes are in bytes of what the server answers.

    Attributes:
        latency: Each piece of an answer comes this much later.
        jitter: Up to this much is added to it, at random.
        bandwidth: An answer's bytes a second.
        slicer: Answers come in pieces of this size.
        slicer_delay: The time between two of them.
        limit: A connection ends after this many bytes of answers since the toxics were set.
        ending: How: properly, with a reset, or not at all while nothing more comes.
        hang: Connections are taken, and nothing is passed on any more, either way.
        slow_close: A server's FIN is passed on this much later.
        down: Connections are refused.
        fail_at: The I/O with this number since the toxics were set, from 1, ends in a reset. Each connection that is
            opened and each piece that is read, either way, is one.
        fail_on: Whether all later ones do so too.
        well_after: All is well as soon as more connections than these have been opened since the toxics were set.
    """

    latency: float = 0
    jitter: float = 0
    bandwidth: int | None = None
    slicer: int | None = None
    slicer_delay: float = 0
    limit: int | None = None
    ending: Ending = "fin"
    hang: bool = False
    slow_close: float = 0
    down: bool = False
    fail_at: int | None = None
    fail_on: bool = False
    well_after: int | None = None


class _BrokenOffError(Exception):
    """The toxics end this connection."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending


class _Connection:
    """One client's connection and the server's behind it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.writers = [client]
        self.answered = 0
        self.epoch = -1

    def end(self, *, reset: bool) -> None:
        """Close both sides; for a RST the socket lingers zero seconds."""
        for writer in self.writers:
            if reset:
                with contextlib.suppress(OSError):
                    held = writer.get_extra_info("socket")
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    """A proxy before a server on loopback, in a thread of its own.

    `open` and `total` count the clients' connections, now and since the start; `operations` the I/O since `set`.

    Args:
        upstream: The server's port.
    """

    def __init__(self, upstream: int) -> None:
        self.open = 0
        self.total = 0
        self.operations = 0
        self._opened = 0
        self._upstream = upstream
        self._toxics = Toxics()
        self._epoch = 0
        self._dice = Random(1)  # the same faults in each run
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        # Holds the port while nobody listens, so that connections are refused and nobody else takes it.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._apply(Toxics()))
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._holder.close()

    def set(self, toxics: Toxics | None = None) -> None:
        """Misbehave like this from now on, also on open connections; without an argument, behave."""
        self._run(self._apply(toxics or Toxics()))

    def reset(self) -> None:
        """End all open connections with a RST."""
        self._run(self._reset())

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _apply(self, toxics: Toxics) -> None:
        self._toxics = toxics
        self._epoch += 1
        self.operations = 0
        self._opened = 0
        self._changed.set()
        self._changed = asyncio.Event()
        if toxics.down and self._server is not None:
            self._server.close()
            self._server = None
        elif not toxics.down and self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=_bound(self.port), backlog=1024)

    async def _reset(self) -> None:
        for connection in list(self._connections):
            connection.end(reset=True)

    async def _stop(self) -> None:
        await self._apply(Toxics(down=True))
        await self._reset()
        while self._connections:  # noqa: ASYNC110 - their tasks see the end at their next read
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        self._connections.add(connection)
        self.open += 1
        self.total += 1
        self._opened += 1
        reset = False
        try:
            if self._toxics.well_after is not None and self._opened > self._toxics.well_after:
                await self._apply(Toxics())
            self._count()
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
            connection.writers.append(upstream)
            pumps = [
                asyncio.create_task(self._ask(reader, upstream)),
                asyncio.create_task(self._answer(answers, writer, connection)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                outcomes = await asyncio.gather(*pumps, return_exceptions=True)
            reset = any(isinstance(outcome, (_BrokenOffError, OSError)) for outcome in outcomes)
            reset = reset and not any(isinstance(o, _BrokenOffError) and o.ending == "fin" for o in outcomes)
        except (_BrokenOffError, OSError):
            reset = True
        finally:
            connection.end(reset=reset)
            self._connections.discard(connection)
            self.open -= 1

    def _count(self) -> None:
        """Count one I/O; fail it if it is its turn."""
        self.operations += 1
        number, toxics = self.operations, self._toxics
        if toxics.fail_at and (number == toxics.fail_at or (toxics.fail_on and number > toxics.fail_at)):
            raise _BrokenOffError("rst")

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the client says; return when it leaves."""
        while data := await reader.read(_PIECE_BYTES):
            self._count()
            if not self._toxics.hang:
                writer.write(data)
                await writer.drain()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection
    ) -> None:
        """Pass on what the server says, as the toxics have it; return at its FIN."""
        while data := await reader.read(_PIECE_BYTES):
            self._count()
            for piece in self._pieces(data):
                while self._toxics.hang:
                    await self._changed.wait()
                await self._delay(len(piece))
                writer.write(self._within_limit(piece, connection))
                await writer.drain()
                await self._end_at_limit(connection)
        await asyncio.sleep(self._toxics.slow_close)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self._toxics.slicer or len(data)
        return (data[start : start + size] for start in range(0, len(data), size))

    async def _delay(self, size: int) -> None:
        toxics = self._toxics
        seconds = toxics.latency + toxics.jitter * self._dice.random() + toxics.slicer_delay
        if toxics.bandwidth:
            seconds += size / toxics.bandwidth
        if seconds:
            await asyncio.sleep(seconds)

    def _within_limit(self, piece: bytes, connection: _Connection) -> bytes:
        if connection.epoch != self._epoch:
            connection.epoch, connection.answered = self._epoch, 0
        if self._toxics.limit is not None:
            piece = piece[: max(0, self._toxics.limit - connection.answered)]
        connection.answered += len(piece)
        return piece

    async def _end_at_limit(self, connection: _Connection) -> None:
        while self._toxics.limit is not None and connection.answered >= self._toxics.limit:
            if self._toxics.ending != "hang":
                # What was written reaches the client first: a RST may overtake it.
                await asyncio.sleep(0.02)
                raise _BrokenOffError(self._toxics.ending)
            await self._changed.wait()


def _bound(port: int) -> socket.socket:
    """A socket on this port of loopback that does not listen yet."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound

"""Many connections at once that are held, and what was heard on each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from loadtests.wire import Target

_LOOK_SECONDS = 0.05


class Listener(asyncio.Protocol):
    """A connection that asks once and keeps all that it hears.

    Attributes:
        heard: The bytes of the answer so far, its head included.
        open: Whether the server keeps the connection.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.heard = bytearray()
        self.open = False

    @property
    def status(self) -> int:
        """The status of the answer; 0 before there is one."""
        first = bytes(self.heard[:12]).split(b" ")
        return int(first[1]) if len(first) > 1 and first[1].isdigit() else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.open = True
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        del exc
        self.open = False

    def leave(self) -> None:
        """Close at once."""
        self._transport.abort()


@asynccontextmanager
async def crowd(target: Target, count: int, seconds: float) -> AsyncIterator[Sequence[Listener]]:
    """So many connections, evenly within so many seconds, in the order of their coming; they leave with the block."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    listeners: list[Listener] = []
    try:
        for number in range(count):
            await asyncio.sleep(max(0.0, begin + number * seconds / count - loop.time()))
            _, listener = await loop.create_connection(lambda: Listener(target.request), target.host, target.port)
            listeners.append(listener)
        yield listeners
    finally:
        for listener in listeners:
            listener.leave()
        await asyncio.sleep(0)  # lets them be told


async def until(ready: Callable[[], bool], seconds: float) -> None:
    """Wait until it is so.

    Raises:
        TimeoutError: It is not, after so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110 - what is looked at sits in other processes, too
            await asyncio.sleep(_LOOK_SECONDS)

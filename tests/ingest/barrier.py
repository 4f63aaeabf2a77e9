"""A provider of embeddings over HTTP that answers only while as many requests as it allows are under way.

Whoever keeps fewer under way, other than at the end, waits for ever: no clock is needed to see it.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Barrier:
    """The provider.

    Attributes:
        limit: Requests under way at which it answers one.
        total: Texts that it will be asked for, once that is known: the last requests find no company.
        url: Its address, ending in `/v1`.
        under_way: Requests now.
        most: The most there were at once.
        begun: Requests so far.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total: int | None = None
        self.url = ""
        self.under_way = self.most = self.begun = 0
        self._texts = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._changed = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def at_the_end(self) -> bool:
        """Whether all that there is to ask was asked."""
        return self._texts == self.total

    def expect(self, total: int) -> None:
        """Tell how many texts there are."""
        self.total = total
        self._release()

    async def until_begun(self, requests: int) -> None:
        """Wait until so many requests have begun, or the last one has."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.begun >= requests or self.at_the_end)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._answer(reader, writer)
        except ConnectionError:  # the client gave its requests up
            pass
        finally:
            writer.close()
            self._connections.discard(connection)

    async def close(self) -> None:
        """Answer whoever waits, and wait until all connections are closed."""
        self.expect(self._texts)
        await asyncio.gather(*self._connections)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:"))
            texts = len(json.loads(await reader.readexactly(length))["input"])
            await self._wait_for_company(texts)
            data = [{"object": "embedding", "index": place, "embedding": [1.0, 0.5]} for place in range(texts)]
            body = json.dumps({"object": "list", "data": data, "model": "m", "usage": {}}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            await writer.drain()

    async def _wait_for_company(self, texts: int) -> None:
        self.under_way += 1
        self.begun += 1
        self._texts += texts
        self.most = max(self.most, self.under_way)
        self._waiting.append(answered := asyncio.get_running_loop().create_future())
        self._release()
        async with self._changed:
            self._changed.notify_all()
        await answered

    def _release(self) -> None:
        while self._waiting and (self.under_way >= self.limit or self.at_the_end):
            self.under_way -= 1
            self._waiting.popleft().set_result(None)


@asynccontextmanager
async def barrier(limit: int) -> AsyncGenerator[Barrier]:
    """A running one."""
    provider = Barrier(limit)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield provider
        await provider.close()


async def _head(reader: asyncio.StreamReader) -> list[bytes]:
    """The lines of a request's head; none when the connection is closed."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).splitlines()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return []

"""What one reader gets, byte by byte: for what is looked at, not timed."""

import asyncio
from dataclasses import dataclass

from loadtests.wire import Target


@dataclass(frozen=True, slots=True)
class Reply:
    """What came over the wire.

    Attributes:
        head: The status line and the headers; empty when nothing came.
        ended: Whether the service ended it, in whatever way, before the reader left; or was not there.
        seconds: How long that took.
    """

    head: bytes
    body: bytes
    ended: bool
    seconds: float

    @property
    def status(self) -> int:
        """The HTTP status; 0 when none came."""
        return int(self.head.split(maxsplit=2)[1]) if self.head else 0

    def whole(self, target: Target) -> bool:
        """Whether the answer came to its end, as the service marks it."""
        return self.status == 200 and target.ending in self.body  # noqa: PLR2004 - HTTP


async def ask(target: Target, seconds: float, *, begun: asyncio.Event | None = None, leave: bool = False) -> Reply:
    """One question, read until the service closes the connection, or for so many seconds.

    Args:
        target: Whom to ask.
        seconds: The reader's patience.
        begun: Set when the first token is there.
        leave: Leave then.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        reader, writer = await asyncio.open_connection(target.host, target.port)
    except OSError:
        return Reply(b"", b"", ended=True, seconds=loop.time() - began)
    writer.write(target.request)
    came = bytearray()
    ended = False
    try:
        async with asyncio.timeout(seconds):
            while part := await reader.read(65536):
                came += part
                if target.token in came:
                    if begun is not None:
                        begun.set()
                    if leave:
                        break
            else:
                ended = True
    except TimeoutError:
        pass
    except ConnectionError:
        ended = True
    finally:
        writer.transport.abort()
    head, _, body = bytes(came).partition(b"\r\n\r\n")
    return Reply(head, body, ended, loop.time() - began)

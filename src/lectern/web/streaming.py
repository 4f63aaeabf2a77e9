"""A response that sends frames as they come, and always ends.

It notices a reader who left (even while nothing is sent), keeps a silent stream open with a ping, gives up on a reader
who takes no bytes, and ends with one last frame when the worker drains. Costs one task a stream and nothing a frame.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lectern.serving import process


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How a silent stream is watched.

    Attributes:
        ping: The frame sent after a silence.
        seconds: Length of that silence.
        stalled_seconds: A reader who takes no bytes for this long is given up: its buffers are worth more to others.
    """

    ping: bytes
    seconds: float
    stalled_seconds: float = 30


class StreamingFrames(Response):
    """Streams the frames of an async generator.

    The generator is closed before the response ends, whatever happens, so that what it saves is saved.

    Args:
        frames: Yields whole frames; ends after its own last frame.
        media_type: Content type of the stream.
        cut: Makes the last frame when the worker drains before the generator ended; None leaves that to the generator.
        heartbeat: How silence is watched.
        headers: More than every stream has.
        afterwards: Awaited when the reader has left, or all was sent; not for one who is given up, as the connection
            ends with the response.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        cut: Callable[[], bytes] | None,
        heartbeat: Heartbeat,
        headers: Mapping[str, str] | None = None,
        afterwards: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.frames = frames
        self.cut = cut
        self.heartbeat = heartbeat
        self.afterwards = afterwards
        # No compression and no proxy buffering: a token must leave when it comes.
        own = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
        super().__init__(media_type=media_type, headers=own | dict(headers or {}))
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        del scope
        stream = _Stream(send, self.heartbeat)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        reader = asyncio.create_task(stream.watch_reader(receive))
        withdraw = process.on_last_call(stream.cut) if self.cut else None
        stream.watch_silence()
        try:
            async with aclosing(self.frames) as frames:
                await stream.pump(frames)
            if stream.drained and self.cut:
                await stream.send_frame(stream.unsent + self.cut())
            if not stream.reader_left:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if withdraw:
                withdraw()
            stream.stop()
            reader.cancel()
        if self.afterwards and not stream.stalled:
            await self.afterwards()


class _Stream:
    """One stream's state: who may end it, and when something was last sent."""

    def __init__(self, send: Send, heartbeat: Heartbeat) -> None:
        # Cancels the task once, where an anyio scope would go on cancelling what the generator awaits in its `finally`.
        self._end = asyncio.timeout(None)
        self._pumping = False
        self.drained = False
        self.reader_left = False
        self.stalled = False
        self.unsent = b""
        self._send = send
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending = False
        self._timer: asyncio.TimerHandle | None = None
        self._pings: set[asyncio.Task[None]] = set()

    async def pump(self, frames: AsyncGenerator[bytes, None]) -> None:
        """Send the frames until they end, or somebody ends them."""
        try:
            async with self._end:
                self._pumping = True
                async for frame in frames:
                    self.unsent = frame  # a server that no longer waits for the reader has not taken it
                    await self.send_frame(frame)
                    self.unsent = b""
        except TimeoutError:
            if not self._end.expired():
                raise
        finally:
            self._pumping = False

    async def send_frame(self, frame: bytes) -> None:
        self._sending = True
        self._last = self._loop.time()
        await self._send({"type": "http.response.body", "body": frame, "more_body": True})
        self._sending = False

    async def watch_reader(self, receive: Receive) -> None:
        """End the stream when the reader goes."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def watch_silence(self) -> None:
        """Ping after a silence; give up on a reader who takes nothing. Looks only once a heartbeat."""
        silent = self._loop.time() - self._last
        if self._sending and silent >= self._heartbeat.stalled_seconds:
            self.stalled = True
            self._leave()
            return
        if not self._sending and silent >= self._heartbeat.seconds:
            ping = self._loop.create_task(self.send_frame(self._heartbeat.ping))
            self._pings.add(ping)
            ping.add_done_callback(self._pings.discard)
        wait = self._heartbeat.seconds - silent if silent < self._heartbeat.seconds else self._heartbeat.seconds
        self._timer = self._loop.call_later(max(wait, 0.01), self.watch_silence)

    def cut(self) -> None:
        """The worker stops, and this stream has just enough time left for its last frame."""
        self.drained = True
        self._finish()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
        for ping in self._pings:
            ping.cancel()

    def _leave(self) -> None:
        self.reader_left = True
        self._finish()

    def _finish(self) -> None:
        if self._pumping:
            self._pumping = False
            self._end.reschedule(0)

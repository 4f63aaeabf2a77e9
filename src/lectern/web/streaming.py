"""A response that sends frames as they come, and always ends.

It notices a reader who left (even while nothing is sent), keeps a silent stream open with a ping, gives up on a reader
who takes no bytes, and ends with one last frame when the worker drains. Costs one task a stream and nothing a frame.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from types import coroutine
from typing import Any

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


class Tap:
    """Lets whoever has a frame send it at once, while the stream's own task waits: no task is woken for it.

    Waking one costs a round of the event loop, which is a fifth of what a token costs in all.

    Attributes:
        offer: Sends a frame. False when the reader does not take it at once: it is sent before all others then, and
            none may be offered until the generator has yielded something, were it an empty frame. Only while the stream
            waits for its generator.
    """

    offer: Callable[[bytes], bool]


class StreamingFrames(Response):
    """Streams the frames of an async generator.

    The generator is closed before the response ends, whatever happens, so that what it saves is saved.

    Args:
        frames: Yields whole frames; ends after its own last frame. An empty one is not sent.
        media_type: Content type of the stream.
        cut: Makes the last frame when the worker drains before the generator ended; None leaves that to the generator.
        heartbeat: How silence is watched.
        headers: More than every stream has.
        afterwards: Awaited when the reader has left, or all was sent; not for one who is given up, as the connection
            ends with the response.
        tap: Gets the way to send frames past the generator.
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
        tap: Tap | None = None,
    ) -> None:
        self.tap = tap
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
        if self.tap:
            self.tap.offer = stream.offer
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
        self._offered: asyncio.Task[None] | None = None

    async def pump(self, frames: AsyncGenerator[bytes, None]) -> None:
        """Send the frames until they end, or somebody ends them."""
        try:
            async with self._end:
                self._pumping = True
                async for frame in frames:
                    await self._send_offered()
                    if frame:
                        self.unsent = frame  # a server that no longer waits for the reader has not taken it
                        await self.send_frame(frame)
                        self.unsent = b""
                await self._send_offered()
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

    def offer(self, frame: bytes) -> bool:
        """See `Tap`."""
        self._last = self._loop.time()
        sending = self._send({"type": "http.response.body", "body": frame, "more_body": True})
        assert isinstance(sending, Coroutine)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return True
        self._sending = True
        self._offered = self._loop.create_task(_rest_of(sending, waits_for))
        return False

    async def _send_offered(self) -> None:
        if self._offered is not None:
            await self._offered
            self._offered = None
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
        if self._offered is not None:
            self._offered.cancel()

    def _leave(self) -> None:
        self.reader_left = True
        self._finish()

    def _finish(self) -> None:
        if self._pumping:
            self._pumping = False
            self._end.reschedule(0)


@coroutine
def _rest_of(work: Coroutine[Any, Any, None], waits_for: object) -> Generator[Any, Any, None]:
    """The rest of a coroutine that was begun by hand, and waits for something."""
    try:
        while True:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - cancelled, most likely: for the work to know
                waits_for = work.throw(error)
            else:
                waits_for = work.send(value)
    except StopIteration:
        return

"""The streaming response, called as a server calls it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

import pytest
from starlette.types import Message

from lectern.serving import process
from lectern.serving.drain import Drain
from lectern.web.streaming import Heartbeat, StreamingFrames, Tap

QUICK = Heartbeat(b": ping\n\n", seconds=0.02, stalled_seconds=0.1)
PATIENT = Heartbeat(b": ping\n\n", seconds=60)


class Reader:
    """The other end: collects what is sent, leaves when told, and may stop taking bytes."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.got = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> Message:
        """Nothing more is asked; then the reader leaves."""
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message, or hang."""
        await self.takes.wait()
        self.sent.append(message)
        if message.get("body"):
            self.got.set()

    @property
    def body(self) -> bytes:
        """All bytes taken."""
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def ended(self) -> bool:
        """Whether the response ended as HTTP wants it."""
        return bool(self.sent) and self.sent[-1].get("more_body") is False


class Frames:
    """A generator of frames that notes its end, and waits before its second frame if told so."""

    def __init__(self, *frames: bytes, hold: bool = False) -> None:
        self.frames = frames
        self.go = asyncio.Event()
        if not hold:
            self.go.set()
        self.closed = False

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        """Yield them."""
        try:
            for number, frame in enumerate(self.frames):
                if number:
                    await self.go.wait()
                yield frame
        finally:
            await asyncio.sleep(0)
            self.closed = True


def start(frames: Frames, reader: Reader, heartbeat: Heartbeat = PATIENT) -> asyncio.Task[None]:
    """Serve the frames to the reader."""
    response = StreamingFrames(frames(), media_type="text/event-stream", cut=lambda: b"CUT", heartbeat=heartbeat)
    return asyncio.create_task(response({"type": "http"}, reader.receive, reader.send))


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch) -> Drain:
    """A drain of the test's own."""
    drain = Drain()
    monkeypatch.setattr(process._here, "drain", drain)
    return drain


async def test_frames_are_sent_one_by_one_and_ended() -> None:
    """Each frame is a message of its own, nothing is buffered, and nothing compresses or caches the stream."""
    reader, frames = Reader(), Frames(b"one", b"two")
    await start(frames, reader)
    assert [message.get("body") for message in reader.sent] == [None, b"one", b"two", b""]
    headers = dict(reader.sent[0]["headers"])
    assert headers[b"cache-control"] == b"private, no-store"
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    assert reader.ended
    assert frames.closed


async def test_a_reader_who_leaves_ends_the_generator_first() -> None:
    """The generator's `finally` has run before the response ends, and nothing more is sent."""
    reader, frames = Reader(), Frames(b"one", b"two", hold=True)
    served = start(frames, reader)
    await reader.got.wait()
    reader.left.set()
    await served
    assert frames.closed
    assert reader.body == b"one"


async def test_silence_is_filled_with_pings() -> None:
    """A stream that says nothing sends comments, and goes on afterwards."""
    reader, frames = Reader(), Frames(b"one", b"two", hold=True)
    served = start(frames, reader, QUICK)
    while reader.body.count(QUICK.ping) < 3:
        reader.got.clear()
        await reader.got.wait()
    frames.go.set()
    await served
    assert reader.body.replace(QUICK.ping, b"") == b"onetwo"
    assert reader.ended


async def test_a_reader_who_takes_nothing_is_given_up() -> None:
    """A stalled reader does not hold its stream for ever; the generator is closed."""
    reader, frames = Reader(), Frames(b"one", b"two", hold=True)
    served = start(frames, reader, QUICK)
    await reader.got.wait()
    reader.takes.clear()
    frames.go.set()
    await asyncio.wait_for(served, 10)
    assert frames.closed
    assert reader.body.replace(QUICK.ping, b"") == b"one"


async def test_a_draining_worker_ends_the_stream_with_one_last_frame(drain: Drain) -> None:
    """At the last call the generator is closed, then the reader is told, and the response ends properly."""
    reader, frames = Reader(), Frames(b"one", b"two", hold=True)
    served = start(frames, reader)
    await reader.got.wait()
    drain.last_call.happen()
    await served
    assert frames.closed
    assert reader.body == b"oneCUT"
    assert reader.ended


async def test_a_stream_that_ended_is_not_cut(drain: Drain) -> None:
    """A drain after the end adds nothing."""
    reader, frames = Reader(), Frames(b"one")
    await start(frames, reader)
    drain.last_call.happen()
    await asyncio.sleep(0)
    assert reader.body == b"one"
    assert not drain.last_call._waiters


async def test_a_stream_leaves_no_task_behind() -> None:
    """However it ends, the watcher and the pings end with it."""
    before = asyncio.all_tasks()
    ways: list[Callable[[Reader, asyncio.Task[None]], object]] = [
        lambda reader, _: reader.left.set(),
        lambda _, served: served.cancel(),
    ]
    for way in ways:
        reader, frames = Reader(), Frames(b"one", b"two", hold=True)
        served = start(frames, reader, QUICK)
        await reader.got.wait()
        way(reader, served)
        with suppress(asyncio.CancelledError):
            await served
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert frames.closed


class Tapped:
    """A stream whose generator waits for ever after its first frame, so that all else goes by the tap."""

    def __init__(self, heartbeat: Heartbeat = PATIENT) -> None:
        self.reader, self.tap, self.go = Reader(), Tap(), asyncio.Event()
        response = StreamingFrames(
            self._frames(), media_type="text/event-stream", cut=lambda: b"CUT", heartbeat=heartbeat, tap=self.tap
        )
        self.served = asyncio.create_task(response({"type": "http"}, self.reader.receive, self.reader.send))

    async def _frames(self) -> AsyncGenerator[bytes, None]:
        yield b"one"
        await self.go.wait()
        yield b"last"


async def test_a_tapped_frame_is_sent_at_once() -> None:
    """Before the call returns, and in its place among those that the generator yields."""
    stream = Tapped()
    await stream.reader.got.wait()
    assert stream.tap.offer(b"two")
    assert stream.reader.body == b"onetwo"
    stream.go.set()
    await stream.served
    assert stream.reader.body == b"onetwolast"
    assert stream.reader.ended


async def test_a_tapped_frame_waits_for_its_reader() -> None:
    """Who taps is told and not kept; the frame is sent, once, before whatever comes after it."""
    stream = Tapped()
    await stream.reader.got.wait()
    stream.reader.takes.clear()
    assert not stream.tap.offer(b"two")
    stream.go.set()
    await asyncio.sleep(0)
    assert stream.reader.body == b"one"
    stream.reader.takes.set()
    await stream.served
    assert stream.reader.body == b"onetwolast"


async def test_who_takes_no_tapped_frame_is_given_up() -> None:
    """As one who takes no other."""
    before = asyncio.all_tasks()
    stream = Tapped(QUICK)
    await stream.reader.got.wait()
    stream.reader.takes.clear()
    assert not stream.tap.offer(b"two")
    await asyncio.wait_for(stream.served, 10)
    await asyncio.sleep(0)
    assert stream.reader.body.replace(QUICK.ping, b"") == b"one"
    assert asyncio.all_tasks() == before


async def test_a_frame_that_was_not_taken_comes_before_the_cut(drain: Drain) -> None:
    """A format may have opened in it what its last frame closes."""
    reader, frames = Reader(), Frames(b"one", b"two", hold=True)
    served = start(frames, reader)
    await reader.got.wait()
    reader.takes.clear()
    frames.go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    drain.last_call.happen()
    for _ in range(5):
        await asyncio.sleep(0)
    reader.takes.set()
    await served
    assert reader.body == b"onetwoCUT"


async def test_what_comes_afterwards_is_awaited() -> None:
    """When the reader has left and when all was sent, with the generator closed before."""
    for leaves in (False, True):
        lingered: list[bool] = []
        reader, frames = Reader(), Frames(b"one", b"two", hold=leaves)

        async def afterwards(closed: Frames = frames, noted: list[bool] = lingered) -> None:
            noted.append(closed.closed)

        response = StreamingFrames(
            frames(), media_type="text/event-stream", cut=None, heartbeat=PATIENT, afterwards=afterwards
        )
        served = asyncio.create_task(response({"type": "http"}, reader.receive, reader.send))
        await reader.got.wait()
        reader.left.set()
        await served
        assert lingered == [True]

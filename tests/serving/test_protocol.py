"""Clients that do not get on, over real sockets and a small ASGI app."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from lectern.serving import protocol
from lectern.serving.protocol import MOST_HEAD_BYTES, GuardedProtocol

HEAD = b"GET /x HTTP/1.1\r\nHost: x\r\n"
SECONDS = 0.3


async def echo(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Read the whole body, wait if the path says so, and answer with its length; or answer at once."""
    size, more = 0, scope["path"] != "/refused"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(SECONDS * 3)
    answer = str(size).encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def until(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - uvicorn's state has no event to wait for
        await asyncio.sleep(0.01)


@asynccontextmanager
async def served(seconds: float = SECONDS) -> AsyncIterator[tuple[StreamReader, StreamWriter, ServerState]]:
    """A connection to a server whose clients have this many seconds for a head."""
    guarded = GuardedProtocol.with_timeout(seconds)
    config = Config(echo, http=guarded, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: guarded(config, state, {}), "127.0.0.1")
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    try:
        yield reader, writer, state
    finally:
        writer.close()
        listener.close()
        await until(lambda: not state.connections)


async def ends(reader: StreamReader) -> bytes:
    """What the server still sends until it closes the connection."""
    return await asyncio.wait_for(reader.read(), 20)


async def answered(reader: StreamReader) -> bytes:
    """One answer of the app."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def test_a_connection_without_a_byte_is_closed() -> None:
    """Who says nothing is disconnected, without a word."""
    async with served() as (reader, _, _):
        assert await ends(reader) == b""


async def test_half_a_head_is_refused_in_time() -> None:
    """Who stops in the middle of the head gets 408 and is disconnected."""
    async with served() as (reader, writer, _):
        writer.write(HEAD)
        assert (await ends(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_dripping_head_does_not_buy_time() -> None:
    """One byte now and then does not prolong the deadline for the whole head."""
    async with served() as (reader, writer, _):
        ending = asyncio.create_task(ends(reader))
        for byte in HEAD + b"X: " + b"y" * 400:
            writer.write(bytes([byte]))
            if (await asyncio.wait({ending}, timeout=SECONDS / 20))[0]:
                break
        assert ending.done()
        assert ending.result().startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("begun", [HEAD, b"\r\n", b"G"])
async def test_half_a_head_on_a_kept_connection_is_refused_in_time(begun: bytes) -> None:
    """After an answered request the next head has a deadline again as soon as its first byte has come."""
    async with served() as (reader, writer, _):
        writer.write(HEAD + b"\r\n")
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
        writer.write(begun)
        assert (await ends(reader))[:13] in {b"HTTP/1.1 408 ", b""}


async def test_a_kept_connection_may_idle_longer_than_a_head_may_take() -> None:
    """Between requests the keep-alive time counts, not the head's."""
    async with served(0.1) as (reader, writer, _):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.3)  # three times what a head may take


async def test_a_slow_answer_is_not_the_clients_fault() -> None:
    """An app that thinks for longer than a head may take still answers, also with the next request half sent."""
    async with served() as (reader, writer, _):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")


async def test_half_a_head_behind_a_whole_request_is_refused_in_time() -> None:
    """A next head sent along with a request has its deadline from the answer on."""
    async with served() as (reader, writer, _):
        writer.write(HEAD + b"\r\n" + HEAD)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
        assert (await ends(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_stalled_body_is_refused() -> None:
    """A body that stops coming ends with 408, and the app sees the client leave."""
    async with served() as (reader, writer, state):
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{")
        assert (await ends(reader)).startswith(b"HTTP/1.1 408 ")
        await until(lambda: not state.tasks)


async def test_a_body_that_comes_along_may_take_its_time() -> None:
    """An upload slower than the timeout, but steady, is read to its end."""
    async with served(0.2) as (reader, writer, _):
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n")
        for _ in range(20):
            writer.write(b"x" * 1000)
            await asyncio.sleep(0.03)
        assert (await answered(reader)).endswith(b"20000")


REFUSED = b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize("size", [10, 200_000])
async def test_a_body_that_was_not_waited_for_is_dropped(size: int) -> None:
    """Its answer comes before it, the connection goes on, and is not held against a next request's head."""
    async with served(0.2) as (reader, writer, state):
        for _ in range(2):
            writer.write(REFUSED % size)
            assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
            writer.write(b"x" * size)
            await writer.drain()
        await asyncio.sleep(0.5)  # idle, for longer than a body may take
        writer.write(HEAD + b"X: " + b"y" * 10_000 + b"\r\n\r\n")
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
        assert len(state.connections) == 1


async def test_of_an_answered_request_only_so_much_is_dropped() -> None:
    """Who goes on sending is disconnected, without a second answer."""
    async with served() as (reader, writer, state):
        writer.write(REFUSED % 10**9)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"x" * 100_000)
                await writer.drain()
            assert await ends(reader) == b""
        await until(lambda: not state.connections)


async def test_the_rest_of_an_answered_request_may_not_drip() -> None:
    """It has the time of a head, in all."""
    async with served(0.2) as (reader, writer, _):
        writer.write(REFUSED % 1000)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
        with contextlib.suppress(ConnectionError):
            for _ in range(50):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)
                if reader.at_eof():
                    break
        assert await ends(reader) == b""


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"y" * (MOST_HEAD_BYTES + 100_000),
        b"GET /" + b"y" * (MOST_HEAD_BYTES + 100_000),
        HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)),
    ],
    ids=["one header", "the path", "many headers"],
)
async def test_an_endless_head_is_refused(head: bytes) -> None:
    """A head that grows and grows is refused before it fills memory."""
    async with served(20) as (reader, writer, _):
        writer.write(head)
        assert (await ends(reader)).startswith(b"HTTP/1.1 431 ")


async def test_who_is_refused_while_still_sending_reads_the_refusal() -> None:
    """The connection ends for the client's reading at once, and for its writing a little later, without a reset."""
    async with served() as (reader, writer, state):
        writer.write(HEAD)
        await asyncio.sleep(SECONDS + 0.2)  # refused by now
        for _ in range(10):
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)
        assert (await ends(reader)).startswith(b"HTTP/1.1 408 ")
        await until(lambda: not state.connections)


async def test_what_a_refused_client_sends_is_dropped_only_so_far() -> None:
    """Who floods a connection that refused him loses it before its time."""
    async with served(20) as (_, writer, state):
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"x" * 100_000)
                await writer.drain()
        await until(lambda: not state.connections)


async def test_bytes_that_are_not_http_are_refused_at_once() -> None:
    """Garbage gets 400 and no timer."""
    async with served(20) as (reader, writer, _):
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await ends(reader)).startswith(b"HTTP/1.1 400 ")


async def test_a_draining_server_closes_an_idle_connection() -> None:
    """A kept-alive connection without a request does not hold up the end."""
    async with served(20) as (reader, writer, state):
        writer.write(HEAD + b"\r\n")
        await answered(reader)
        for connection in state.connections:
            connection.shutdown()
        assert await ends(reader) == b""


async def test_a_draining_server_answers_a_request_that_is_on_its_way() -> None:
    """A connection just accepted, and one whose next request crosses the close, still get their answer, and the end."""
    async with served(20) as (reader, writer, state):
        await until(lambda: bool(state.connections))
        for connection in state.connections:
            connection.shutdown()
        writer.write(HEAD + b"\r\n")
        last = await ends(reader)
        assert last.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in last


async def test_a_draining_server_does_not_wait_for_a_silent_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not begun a request when draining begins gets a short time only."""
    monkeypatch.setattr(protocol, "NEW_LINGER_SECONDS", 0.1)
    async with served(600) as (reader, _, state):
        await until(lambda: bool(state.connections))
        for connection in state.connections:
            connection.shutdown()
        assert await ends(reader) == b""


async def test_a_kept_client_costs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard sets one timer a connection, not one a request."""
    timers: list[float] = []
    set_watch = GuardedProtocol._set_watch

    def counted(connection: GuardedProtocol, seconds: float) -> None:
        timers.append(seconds)
        set_watch(connection, seconds)

    monkeypatch.setattr(GuardedProtocol, "_set_watch", counted)
    async with served(20) as (reader, writer, _):
        for _ in range(50):
            writer.write(HEAD + b"\r\n")
            await answered(reader)
        assert timers == [20]


async def test_a_connection_given_up_does_not_wait_for_a_reader_who_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the app has ended with bytes unsent is thrown away once none of them leaves any more."""
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.1)

    async def flood(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while True:
                    await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})

    monkeypatch.setitem(globals(), "echo", flood)
    async with served() as (_, writer, state):
        writer.write(HEAD + b"\r\n")
        await until(lambda: bool(state.connections))
        await until(lambda: not state.connections)

"""Readers who leave, stop reading, never finish asking, or send too much."""

import json
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import pytest
from tests.faults.conftest import MakeRig, Seen
from tests.faults.readers import Chat
from tests.faults.rig import Rig
from tests.serving.servers import until

BODY = b'{"message": "How do I run the tests?"}'
LONG = f"How do I run the tests? {'at-length-' * 100}"
"""The stub answers in the question's words; with this one an answer is more than a kernel buffers."""
HEAD = b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n"
ASK = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
ASK_ONE_OBJECT = ASK.replace(b"Accept: text/event-stream\r\n", b"")


def connect(rig: Rig, receive_buffer: int = 0) -> "closing[socket.socket]":
    """A bare connection to the service."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", rig.served.port))
    return closing(connection)


def memory(rig: Rig) -> int:
    """Bytes that the workers hold in memory, both together."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in rig.workers()]
    return sum(pages) * 4096


async def upstream_closed(rig: Rig, abandoned: int) -> float:
    """Seconds until the provider has noticed that this many more readers are gone."""
    started = time.monotonic()
    await rig.stub.until(5, open=0, abandoned=abandoned)
    return time.monotonic() - started


@pytest.mark.fault(6, "reader leaves before the first word, or before any byte of the answer")
@pytest.mark.parametrize("waits_for", ["first word", "embedding", "one object"])
async def test_leaving_early_stops_the_provider(rig: MakeRig, seen: Seen, waits_for: str) -> None:
    """The provider is left alone within a second; a turn that had begun is kept as cancelled."""
    slow = "stub-embed-ttft20000" if waits_for == "embedding" else ""
    service = rig("stub-ttft20000", EMBEDDING_MODEL=slow, FIRST_TOKEN_TIMEOUT_SECONDS="25", ABANDON_SECONDS="0")
    before = service.stub.stats()["abandoned"]
    with connect(service) as connection:
        connection.sendall(ASK_ONE_OBJECT if waits_for == "one object" else ASK)
        await service.stub.until(10, open=1)
    took = await upstream_closed(service, before + 1)
    assert took < 5
    kept = [] if waits_for == "embedding" else [("cancelled", "")]
    await anyio.to_thread.run_sync(until, lambda: list(service.turns().values()) == kept)
    seen(f"provider left alone after {took:.2f} s")


@pytest.mark.fault(6, "reader leaves in the middle of the answer")
async def test_leaving_in_the_middle_stops_the_provider(rig: MakeRig, seen: Seen) -> None:
    """The provider's connection is closed within a second; what was said is kept as cancelled."""
    service = rig("stub-ttft20-itl50-len400", ABANDON_SECONDS="0")
    before = service.stub.stats()["abandoned"]
    chat = await service.one(leave=lambda chat: len(chat.text) > 20)
    took = await upstream_closed(service, before + 1)
    assert took < 5
    await anyio.to_thread.run_sync(until, lambda: len(service.turns()) == 1)
    ((outcome, answer),) = service.turns().values()
    assert outcome == "cancelled"
    assert answer.startswith(chat.text)
    seen(f"provider left alone after {took:.2f} s")


@pytest.mark.fault(7, "100 readers leave at the same moment")
async def test_a_hundred_leaving_at_once_leak_nothing(rig: MakeRig, seen: Seen) -> None:
    """All upstream connections close, all turns are kept, and the log holds no traceback and no error."""
    service = rig("stub-ttft20-itl50-len1000", ABANDON_SECONDS="0")
    arrived = 0
    all_here = anyio.Event()

    def leave(chat: Chat) -> bool:
        nonlocal arrived
        if chat.last == "delta" and chat.text == chat.events[-1][1]["text"]:
            arrived += 1
        if arrived == 100:
            all_here.set()
        return all_here.is_set()

    before = service.stub.stats()["abandoned"]
    chats = await service.many(100, leave=leave)
    took = await upstream_closed(service, before + 100)
    assert all(chat.left for chat in chats)
    await anyio.to_thread.run_sync(until, lambda: len(service.turns()) == 100)
    assert {outcome for outcome, _ in service.turns().values()} == {"cancelled"}
    for word in ("Traceback", "ERROR"):
        assert word not in service.served.log
    seen(f"100 provider connections closed after {took:.2f} s, 100 turns kept, no error line")


@pytest.mark.fault(8, "reader stops reading")
async def test_a_reader_who_takes_nothing_is_cut(rig: MakeRig, seen: Seen) -> None:
    """After the limit for sending the connection and the provider's end; other streams are as fast as before."""
    more = {"STALLED_SECONDS": "2", "HEARTBEAT_SECONDS": "0.5", "ABANDON_SECONDS": "0", "MAX_ANSWER_TOKENS": "100000"}
    service = rig("stub-len100000", workers=1, **more)
    (worker,) = service.workers()
    service.prober.limit_seconds = 5  # one worker relays 100,000 tokens as fast as it can
    body = json.dumps({"message": LONG}).encode()
    with connect(service, receive_buffer=4096) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        started = time.monotonic()
        reader = await service.one(question=LONG, leave=lambda chat: len(chat.text) > 2000)
        assert reader.first < 5
        # Also while the reader still holds its end.
        calm = service.baseline[worker]["sockets"]
        await anyio.to_thread.run_sync(until, lambda: service.holds_alone(worker)["sockets"] <= calm)
        freed = time.monotonic() - started
        await anyio.to_thread.run_sync(until, lambda: len(service.turns()) == 2)
    # No turn waits for its reader, so that of the one who took nothing may have come to its end by then.
    assert "cancelled" in (outcomes := {outcome for outcome, _ in service.turns().values()})
    assert outcomes <= {"answered", "cancelled"}
    assert freed > 1
    seen(f"its socket gone after {freed:.1f} s (limit 2 s); another's first word after {reader.first * 1000:.0f} ms")


@pytest.mark.fault(9, "500 silent and half-spoken connections")
async def test_slow_loris_does_not_starve_readers(rig: MakeRig, seen: Seen) -> None:
    """New questions are answered meanwhile, and every one of the 500 is closed after the limit for a head."""
    service = rig(HEADER_TIMEOUT_SECONDS="2")
    with ExitStack() as held:
        lorises = [held.enter_context(connect(service)) for _ in range(500)]
        for number, loris in enumerate(lorises):
            loris.sendall((b"", b"GET / HTTP/1.1\r\nX: ", ASK[:-5])[number % 3])
        chat = await service.one()
        assert chat.last == "done"
        most = max(service.holds(pid)["sockets"] for pid in service.workers())
        started = time.monotonic()
        for loris in lorises:
            while loris.recv(4096):
                pass
        took = time.monotonic() - started
    assert took < 30
    seen(
        f"a question answered in {chat.seconds:.2f} s beside ≤ {most} sockets a worker; all 500 closed {took:.1f} s on"
    )


@pytest.mark.fault(10, "bodies that are too large or never end")
async def test_large_and_trickled_bodies_cost_nothing(rig: MakeRig, seen: Seen) -> None:
    """413 for what is too large, said or not, 408 for what trickles, and the memory stays as it was."""
    service = rig(HEADER_TIMEOUT_SECONDS="2")
    assert (await service.one()).last == "done"
    before = memory(service)

    async with service.client() as http:
        told = await http.post("/chat", content=b"x" * 300_000, headers={"Content-Type": "application/json"})
    assert told.status_code == httpx2.codes.CONTENT_TOO_LARGE
    statuses = []
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    for _ in range(20):
        with connect(service) as connection:
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(100):
                    connection.sendall(chunk)
            except ConnectionError:
                pass
            try:
                statuses.append(connection.recv(12))
            except ConnectionError:  # our bytes on their way met a closed connection
                statuses.append(b"reset")
    assert set(statuses) <= {b"HTTP/1.1 413", b"reset"}
    with connect(service) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        started = time.monotonic()
        assert connection.recv(12) == b"HTTP/1.1 408"
        took = time.monotonic() - started
    grown = memory(service) - before
    assert grown < 50_000_000
    seen(f"413, 20 × 10 MB in chunks refused, 408 after {took:.1f} s (limit 2 s), memory + {grown / 1e6:.1f} MB")

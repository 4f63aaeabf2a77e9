"""What becomes of a Qdrant server's faults: clear errors, repeated writes, and readers who keep what they had."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from tests.qdrant_server import Cut, QdrantServer, Refused
from tests.sample_pages import page, section, small_site

from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex
from lectern.adapters.qdrant_index import acquiring as acquiring_module
from lectern.errors import IndexUnavailable
from lectern.ports import Index

Make = Callable[..., QdrantIndex]


async def embed(index: Index, model: str = "topics", length: int = 3) -> int:
    """Give every chunk that has none a vector; return how many there were."""
    async with index.update("bakery") as update:
        pending = await update.unembedded(model)
        await update.put_vectors({key: [1.0] * length for key, _ in pending}, model)
    return len(pending)


async def change(index: Index) -> None:
    """Replace one page and remove another."""
    async with index.update("bakery") as update:
        await update.put([page("till.md", "The till", section("Marzipan.", "Refunds"))])
        await update.remove(["team.md"])


def failing(
    verb: str, *, times: int, status: int = 503, headers: dict[str, str] | None = None
) -> Callable[[str], None]:
    """A fault of the first calls of a verb."""
    left = [times]

    def fault(called: str) -> None:
        if called == verb and left[0] > 0:
            left[0] -= 1
            raise Refused(status, "the secret text of a fault", headers)

    return fault


async def test_a_server_that_is_not_there_is_an_unavailable_index() -> None:
    """Nothing listens: the error is ours, its cause is kept, and the part is down."""
    index = QdrantIndex(QdrantConnection("http://127.0.0.1:9", first_pause_seconds=0.001))
    with pytest.raises(IndexUnavailable) as caught:
        await index.search("receipt")
    assert caught.value.__cause__ is not None
    assert index.describe().state == "down"
    with pytest.raises(IndexUnavailable):
        async with index.update("bakery"):
            pass
    await index.close()


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_a_status_is_an_unavailable_index(bakery: QdrantIndex, qdrant: QdrantServer, status: int) -> None:
    """The note names the status and never the server's text; afterwards the index is well again."""
    qdrant.fault = failing("query", times=9, status=status)
    with pytest.raises(IndexUnavailable) as caught:
        await bakery.search("receipt")
    assert f"status {status}" in bakery.describe().note
    assert "secret" not in str(caught.value) + bakery.describe().note
    qdrant.fault = None
    assert (await bakery.search("receipt")).passages
    assert bakery.describe().state == "ok"


async def test_a_wrong_key_is_named_and_never_shown(
    bakery: QdrantIndex, make: Make, qdrant: QdrantServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The note says which setting to look at; no message, note or log line holds the key."""
    qdrant.key = "right-key"
    index = make(key="hunter2")
    with pytest.raises(IndexUnavailable) as caught:
        await index.search("receipt")
    with pytest.raises(IndexUnavailable):
        async with index.update("bakery"):
            pass
    assert "QDRANT_API_KEY" in index.describe().note
    assert "hunter2" not in str(caught.value) + index.describe().note + caplog.text
    assert (await make(key="right-key").search("receipt")).passages


async def test_a_slow_server_costs_the_limit_of_time_and_no_more(
    bakery: QdrantIndex, make: Make, qdrant: QdrantServer
) -> None:
    """A search ends when its time is over, and the loop goes on meanwhile."""
    released = threading.Event()

    def wait(verb: str) -> None:
        if verb == "query":
            released.wait(30)

    qdrant.fault = wait
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    try:
        beating = asyncio.create_task(beat())
        with anyio.fail_after(10), pytest.raises(IndexUnavailable):
            await make(read_seconds=0.3).search("receipt")
        beating.cancel()
    finally:
        released.set()
    assert beats >= 5


async def test_a_search_does_not_hold_the_loop_while_a_long_question_is_read(bakery: QdrantIndex) -> None:
    """Reading 100 KB of question is a thread's work: the loop is never away for as long as that takes."""
    question = " ".join(f"word{number}" for number in range(12_000))
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    await bakery.search(question)
    watching.cancel()
    assert longest < 1


async def test_a_write_is_repeated_when_the_server_asks_for_time(make: Make, qdrant: QdrantServer) -> None:
    """429 with `Retry-After` is waited for as long as it says, and the update takes effect once."""
    qdrant.fault = failing("upsert", times=2, status=429, headers={"Retry-After": "1"})
    index = make()
    started = time.monotonic()
    async with index.update("bakery") as update:
        await update.put(small_site())
    assert time.monotonic() - started > 1.5
    assert await index.sites() == {"bakery": 3}


async def test_a_write_whose_answer_was_lost_is_repeated_without_harm(
    make: Make, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of write is carried out and then answered by an error once: the result is as if nothing had been."""
    monkeypatch.setattr(acquiring_module, "MAKING_SECONDS", 0.1)
    failed: set[str] = set()

    def lose(verb: str) -> None:
        if verb not in failed and verb not in {"retrieve", "query"}:
            failed.add(verb)
            raise Refused(500, "lost")

    qdrant.after = lose
    index = make()
    async with index.update("bakery") as update:
        await update.put(small_site())
    assert await embed(index) == 7
    assert failed >= {"create", "upsert", "payload", "alias", "vectors", "remove", "index"}
    assert await index.sites() == {"bakery": 3}
    assert await embed(index) == 0
    assert len((await index.search("zzz", vector=[1.0] * 3, limit=50)).passages) == 7


async def test_a_connection_that_breaks_during_a_write_costs_a_repetition(make: Make, qdrant: QdrantServer) -> None:
    """The answer to an upsert ends in the middle, before and after it took effect: the points are there once."""
    broken: list[str] = []

    def cut(verb: str) -> None:
        if verb == "upsert" and len(broken) < 3:
            broken.append(verb)
            raise Cut

    qdrant.fault = cut
    index = make()
    async with index.update("bakery") as update:
        await update.put(small_site())
    broken.clear()
    qdrant.fault, qdrant.after = None, cut
    async with index.update("bakery") as again:
        await again.put([page("new.md", "New", section("Nougat."))])
    assert len(broken) == 3
    assert await index.sites() == {"bakery": 4}
    assert len((await index.search("flour bread nougat receipt", limit=50)).passages) == 6


@pytest.mark.parametrize("verb", ["upsert", "payload", "scroll", "count", "remove"])
async def test_an_update_that_fails_for_good_leaves_the_old_index(
    bakery: QdrantIndex, make: Make, qdrant: QdrantServer, verb: str
) -> None:
    """Whatever the server refuses, readers keep what they had, and the next update works and shows its own only."""
    # One payload write takes the lease; the later ones mark what is replaced.
    qdrant.fault = failing(verb, times=99)
    with pytest.raises(IndexUnavailable):
        await change(bakery)
    qdrant.fault = None
    reader = make()
    assert (await reader.search("receipt")).passages
    assert (await reader.search("marzipan")).passages == ()
    assert await reader.sites() == {"bakery": 3}
    async with reader.update("bakery") as again:
        await again.put([page("new.md", "New", section("Nougat."))])
    assert (await reader.search("nougat")).passages
    assert (await reader.search("receipt")).passages
    assert (await reader.search("marzipan")).passages == ()


async def test_a_connection_that_was_closed_in_between_is_no_failure(bakery: QdrantIndex, make: Make) -> None:
    """An idle connection that breaks when it is used again costs one repetition, and the reader sees nothing."""
    gate = await asyncio.start_server(_breaks_every_second_request, "127.0.0.1", 0)
    port = gate.sockets[0].getsockname()[1]
    index = QdrantIndex(QdrantConnection(f"http://127.0.0.1:{port}", first_pause_seconds=0.001))
    assert await index.sites() == {}
    assert await index.sites() == {}
    await index.close()
    gate.close()


async def _breaks_every_second_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers 404 once a connection, and resets it at the next request."""
    body = b'{"status": {"error": "Not found"}, "time": 0.0}'
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
    writer.close()

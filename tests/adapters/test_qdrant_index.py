"""What the Qdrant index promises beyond the port: generations, the lease, and what becomes of a server's faults."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import anyio
import pytest
from tests.qdrant_server import QdrantServer, Refused, running_qdrant
from tests.sample_pages import page, section, small_site

from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex
from lectern.adapters.qdrant_index import commit as commit_module
from lectern.adapters.qdrant_index import control as control_module
from lectern.adapters.qdrant_index import index as index_module
from lectern.errors import IndexUnavailable
from lectern.ports import Index

MakeIndex = Callable[..., QdrantIndex]


@pytest.fixture(scope="module")
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls."""
    with running_qdrant() as server:
        yield server


@pytest.fixture
def name(qdrant: QdrantServer) -> Iterator[str]:
    """A collection of the test's own; afterwards the server is well again."""
    name = qdrant.fresh_name()
    yield name
    qdrant.fault = qdrant.after = None
    qdrant.key = ""
    qdrant.forget(name)


@pytest.fixture
async def make(qdrant: QdrantServer, name: str) -> AsyncIterator[MakeIndex]:
    """Opens the test's collection, as another process would."""
    opened: list[QdrantIndex] = []

    def make(*, key: str | None = None, read_seconds: float = 30, model: str | None = None) -> QdrantIndex:
        connection = QdrantConnection(qdrant.url, api_key=key, read_seconds=read_seconds, first_pause_seconds=0.001)
        opened.append(QdrantIndex(connection, name, model=model))
        return opened[-1]

    yield make
    for index in opened:
        await index.close()


@pytest.fixture
async def bakery(make: MakeIndex) -> QdrantIndex:
    """An index of the small site."""
    index = make()
    async with index.update("bakery") as update:
        await update.put(small_site())
    return index


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
    bakery: QdrantIndex, make: MakeIndex, qdrant: QdrantServer, caplog: pytest.LogCaptureFixture
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
    bakery: QdrantIndex, make: MakeIndex, qdrant: QdrantServer
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


async def test_a_write_is_repeated_when_the_server_asks_for_time(make: MakeIndex, qdrant: QdrantServer) -> None:
    """429 with `Retry-After` is waited for as long as it says, and the update takes effect once."""
    qdrant.fault = failing("upsert", times=2, status=429, headers={"Retry-After": "1"})
    index = make()
    started = time.monotonic()
    async with index.update("bakery") as update:
        await update.put(small_site())
    assert time.monotonic() - started > 1.5
    assert await index.sites() == {"bakery": 3}


async def test_a_write_whose_answer_was_lost_is_repeated_without_harm(
    make: MakeIndex, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of write is carried out and then answered by an error once: the result is as if nothing had been."""
    monkeypatch.setattr(index_module, "MAKING_SECONDS", 0.1)
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


@pytest.mark.parametrize("verb", ["upsert", "payload", "scroll", "count", "remove"])
async def test_an_update_that_fails_for_good_leaves_the_old_index(
    bakery: QdrantIndex, make: MakeIndex, qdrant: QdrantServer, verb: str
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


async def test_a_killed_update_is_cleared_away_by_the_next(
    bakery: QdrantIndex, make: MakeIndex, name: str, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points and collections that nobody finished go; what readers had is there all the time."""

    async def dies(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(commit_module, "point_alias", dies)
        with suppress(ZeroDivisionError):
            await embed(bakery)
    with monkeypatch.context() as patch:
        patch.setattr(control_module.Lease, "commit", dies)
        with suppress(ZeroDivisionError):
            async with bakery.update("bakery") as update:
                await update.put([page("till.md", "The till", section("Marzipan.", "Refunds"))])
    assert (await make().search("receipt")).passages
    async with bakery.update("bakery"):
        pass
    assert [held for held in qdrant.collections if held.startswith(name)] == [f"{name}--v1"]
    assert (await bakery.search("receipt")).passages
    assert (await bakery.search("marzipan")).passages == ()
    assert await embed(bakery) == 7


async def test_an_update_waits_for_a_lease_and_takes_one_that_ran_out(
    bakery: QdrantIndex, make: MakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that is gone blocks for the lease's time; one that comes back too late commits nothing."""
    monkeypatch.setattr(control_module, "LEASE_SECONDS", 1)
    other = make()

    async def overtaken() -> None:
        async with bakery.update("bakery") as late:
            await late.put([page("late.md", "Late", section("Marzipan."))])
            with anyio.fail_after(30):
                async with other.update("bakery") as update:
                    await update.put([page("new.md", "New", section("Nougat."))])

    with pytest.raises(IndexUnavailable, match="took this one's place"):
        await overtaken()
    assert (await bakery.search("nougat")).passages
    assert (await bakery.search("marzipan")).passages == ()


async def test_readers_never_see_less_while_pages_are_replaced(
    bakery: QdrantIndex, make: MakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In-place updates and a switch of the alias, under searches: each finds the page whole, in one of its versions."""
    monkeypatch.setattr(commit_module, "BATCH", 2)
    reader, ended = make(), anyio.Event()
    seen: list[set[str]] = []

    async def search() -> None:
        while not ended.is_set():
            hits = await reader.search("flour", vector=[1.0, 0.0, 0.0], limit=50, site="bakery")
            seen.append({passage.text for passage in hits.passages if passage.document == "bread.md"})

    def version(number: int) -> list[str]:
        return [f"Flour number {number} of part {part}." for part in range(4)]

    versions = [version(number) for number in range(3)]
    async with bakery.update("bakery") as update:
        await update.put([page("bread.md", "Bread", *(section(text, f"Part {text}") for text in versions[0]))])
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(search)
        for number in (1, 2):
            async with bakery.update("bakery") as update:
                parts = [section(text, f"Part {text}") for text in versions[number]]
                await update.put([page("bread.md", "Bread", *parts)])
            await embed(bakery, f"model {number}", 2 + number)
        ended.set()
    assert len(seen) > 5
    assert all(texts in [set(version) for version in versions] for texts in seen)


async def test_a_re_embed_is_a_new_collection_and_the_old_one_goes_later(
    bakery: QdrantIndex, name: str, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias moves on; the collection before stays for those who look at it, until the next update after a while."""
    await embed(bakery, "first", 3)
    await embed(bakery, "second", 2)
    assert qdrant.aliases[name] == f"{name}--v3"
    assert f"{name}--v2" in qdrant.collections
    monkeypatch.setattr(commit_module, "GRACE_SECONDS", -1)
    async with bakery.update("bakery"):
        pass
    assert [held for held in qdrant.collections if held.startswith(name)] == [f"{name}--v3"]
    assert (await bakery.search("receipt")).passages


async def test_vectors_of_another_model_are_not_compared_and_said(bakery: QdrantIndex, make: MakeIndex) -> None:
    """With another model configured, words alone decide, and the note tells the way out."""
    await embed(bakery, "old model", 3)
    index = make(model="new model")
    hits = await index.search("zzz", vector=[1.0] * 3)
    assert hits.passages == ()
    assert (await index.search("receipt", vector=[1.0] * 3)).passages
    assert "old model" in index.describe().note
    assert "ingest again" in index.describe().note
    assert len((await make(model="old model").search("zzz", vector=[1.0] * 3)).passages) > 0


async def test_somebody_elses_collection_is_refused(qdrant: QdrantServer, name: str, make: MakeIndex) -> None:
    """A collection that Lectern did not make is neither read nor written, and the message says the way out."""
    qdrant.carry_out("create", name, {"vectors": {"": {"size": 3, "distance": "Cosine"}}, "sparse_vectors": {}}, {})
    index = make()
    with pytest.raises(IndexUnavailable, match="QDRANT_COLLECTION"):
        await index.search("receipt")
    with pytest.raises(IndexUnavailable, match="QDRANT_COLLECTION"):
        async with index.update("bakery") as update:
            await update.put(small_site())
    assert "QDRANT_COLLECTION" in index.describe().note
    assert list(qdrant.aliases) == []


async def test_a_first_build_that_died_half_way_is_finished_by_the_next(
    make: MakeIndex, name: str, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection without its control point is made anew; one without its alias gets it."""
    monkeypatch.setattr(index_module, "MAKING_SECONDS", 0.1)
    sparse: dict[str, dict[str, str]] = {"chunk": {}, "window": {}}
    qdrant.carry_out("create", f"{name}--v1", {"vectors": {}, "sparse_vectors": sparse}, {})
    async with make().update("bakery") as update:
        await update.put(small_site())
    assert await make().sites() == {"bakery": 3}
    del qdrant.aliases[name]
    assert await make().sites() == {}
    async with make().update("bakery") as update:
        assert set(update.digests) == {"bread.md", "till.md", "team.md"}
    assert await make().sites() == {"bakery": 3}


async def test_a_connection_that_was_closed_in_between_is_no_failure(bakery: QdrantIndex, make: MakeIndex) -> None:
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


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://x.cloud.qdrant.io", "https://x.cloud.qdrant.io:6333"),
        ("https://x.cloud.qdrant.io:443", "https://x.cloud.qdrant.io:443"),
        ("http://localhost:7000/", "http://localhost:7000"),
        ("https://proxy.example:443/qdrant", "https://proxy.example:443/qdrant"),
    ],
)
async def test_the_port_is_the_one_in_the_url(url: str, address: str) -> None:
    """A written port is used, 443 too; without one it is Qdrant's own."""
    connection = QdrantConnection(url)
    remote = connection.client._client
    assert remote.rest_uri.rstrip("/") == address  # type: ignore[attr-defined]  # of the remote client
    await connection.close()


def test_without_its_url_nothing_of_qdrant_is_imported() -> None:
    """The client costs a second of start; only who configures Qdrant pays it."""
    code = (
        "import sys; from lectern.config import Settings; from lectern.wiring import build_index;"
        "build_index(Settings(_env_file=None)); print('qdrant_client' in sys.modules);"
        "index = build_index(Settings(_env_file=None, qdrant_url='https://q.example:443', qdrant_api_key='hunter2'));"
        "print('qdrant_client' in sys.modules, index.describe())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=True
    )
    first, second = ended.stdout.splitlines()
    assert first == "False"
    assert second.startswith("True")
    assert "hunter2" not in second

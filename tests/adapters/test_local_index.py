"""What the local index promises beyond the port: what it returns, and that it never blocks the event loop."""

import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from tests.sample_pages import page, section, small_site

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.local_index import index as index_module
from lectern.adapters.local_index.files import IndexFiles
from lectern.ops.file_lock import unlock
from lectern.ports import Document, Hits, Part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the index is."""
    return tmp_path / "index"


@pytest.fixture
async def bakery(folder: Path) -> AsyncIterator[LocalIndex]:
    """An index of the small site."""
    index = LocalIndex(folder)
    await put(index, small_site())
    yield index
    await index.close()


async def put(index: LocalIndex, documents: Sequence[Document]) -> None:
    """One update of the bakery."""
    async with index.update("bakery") as update:
        await update.put(documents)


async def test_making_and_asking_an_index_writes_nothing(folder: Path) -> None:
    """An index may be made before a fork and asked before the first ingest without leaving a trace."""
    index = LocalIndex(folder)
    assert index.describe() == Part("index", "local index", "unknown", "")
    await index.search("flour")
    await index.warm()
    assert not os.access(folder, os.F_OK)
    assert index.describe() == Part("index", "local index", "ok", "empty")


async def test_the_description_counts_what_is_there(bakery: LocalIndex) -> None:
    """After the first use the boot report knows pages, sections and sites."""
    await bakery.warm()
    assert bakery.describe().note == "3 pages, 7 sections, site bakery"
    async with bakery.update("garage") as update:
        await update.put([page("oil.md", "Oil", section("Oil is black."))])
    await bakery.search("oil")
    assert bakery.describe().note == "4 pages, 8 sections, 2 sites"


async def test_a_long_section_is_read_around_its_best_chunk(bakery: LocalIndex) -> None:
    """A passage carries at most 400 words, whole chunks, with the one that matched among them."""
    chunks = [f"Paragraph {number} " + " ".join(f"w{number}x{word}" for word in range(70)) for number in range(20)]
    chunks[12] += " marzipan"
    await put(bakery, [page("long.md", "Long", section("\n\n".join(chunks), "Everything"))])
    best = (await bakery.search("marzipan")).passages[0]
    assert best.quote == chunks[12]
    assert best.quote in best.text
    assert 300 < len(best.text.split()) <= 400
    assert all(piece in chunks for piece in best.text.split("\n\n"))


async def test_a_section_that_only_points_elsewhere_comes_after_one_that_answers(bakery: LocalIndex) -> None:
    """A list of links under "Next steps" yields to a section with the same words."""
    same = "Glazing cakes with chocolate and with sugar."
    await put(bakery, [page("a.md", "A", section(same, "Next steps")), page("b.md", "B", section(same, "Best steps"))])
    assert [passage.document for passage in (await bakery.search("glazing chocolate")).passages] == ["b.md", "a.md"]


async def test_a_closed_index_opens_again(bakery: LocalIndex) -> None:
    """Closing gives files back; a later call opens them anew."""
    await bakery.search("flour")
    await bakery.close()
    assert (await bakery.search("flour")).passages


async def test_many_readers_at_once_each_get_their_own_answer(bakery: LocalIndex) -> None:
    """Searches that run in several threads do not mix."""
    words = {"receipt": "refunds", "ledger": "closing", "rack": "cooling", "sourdough": "starter"}

    async def ask(word: str) -> None:
        assert (await bakery.search(word)).passages[0].anchor == words[word]

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(ask, list(words)[number % len(words)])


async def test_a_slow_search_does_not_block_the_loop(bakery: LocalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a search waits for the disk, the event loop goes on."""
    release = threading.Event()

    def stuck(*_args: object, **_options: object) -> Hits:
        assert release.wait(30)
        return Hits((), 0.5)

    monkeypatch.setattr(index_module, "search", stuck)
    found: list[Hits] = []

    async def ask() -> None:
        found.append(await bakery.search("flour"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        assert not found
        release.set()
    assert found == [Hits((), 0.5)]


async def test_real_searches_leave_the_loop_room(bakery: LocalIndex) -> None:
    """Forty searches at once never hold the loop for long: it keeps ticking all the while."""
    await put(
        bakery,
        [page(f"{n}.md", f"Page {n}", *(section(f"Flour {n} {m}", f"H{m}") for m in range(9))) for n in range(90)],
    )
    longest, running = 0.0, True

    async def tick() -> None:
        nonlocal longest
        while running:
            before = time.monotonic()
            await anyio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    async with anyio.create_task_group() as tickers:
        tickers.start_soon(tick)
        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(bakery.search, "flour and water in the 7 pages")
        running = False
    assert longest < 0.5  # a search that blocked would hold it for all forty; ticks take about 0.01 s


async def test_a_waiting_update_does_not_block_the_loop(bakery: LocalIndex, folder: Path) -> None:
    """An update that waits for another process's lock lets searches go on, and starts when the lock is free."""
    lock = IndexFiles(folder).try_lock()
    assert lock is not None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(put, bakery, [page("new.md", "New", section("Marzipan."))])
        for _ in range(5):
            assert not (await bakery.search("marzipan")).passages
        unlock(lock)
    assert (await bakery.search("marzipan")).passages


async def test_a_generation_that_vanished_under_a_reader_is_looked_up_again(
    bakery: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that read the pointer just before it moved finds the new generation instead of an error."""
    current = IndexFiles.current
    stale = [folder / "generation-00000000"]
    monkeypatch.setattr(IndexFiles, "current", lambda self: stale.pop() if stale else current(self))
    assert (await bakery.search("flour")).passages


async def test_a_reader_outlives_the_removal_of_its_generation(bakery: LocalIndex, folder: Path) -> None:
    """An idle reader whose generation was deleted twice over answers from the newest one."""
    idle = LocalIndex(folder)
    await idle.search("flour")
    for number in range(4):
        await put(bakery, [page("n.md", "N", section(f"Round number{number}."))])
    assert (await idle.search("number3")).passages
    assert not (await idle.search("number2")).passages
    await idle.close()


async def test_vectors_of_another_model_are_not_compared(tmp_path: Path) -> None:
    """An index with another model's vectors is searched by words, even where the lengths agree, and says so."""
    built = LocalIndex(tmp_path, model="topics")
    async with built.update("bakery") as update:
        await update.put([page("till.md", "The till", section("Coins.")), page("team.md", "The team", section("Ann."))])
    assert "without vectors" in await _note_of(built)
    async with built.update("bakery") as update:
        pending = await update.unembedded("topics")
        await update.put_vectors(
            {key: [float("Coins" in text), float("Ann" in text)] for key, text in pending}, "topics"
        )
    other = LocalIndex(tmp_path, model="others")
    assert len((await built.search("zzz", vector=[1.0, 0.0])).passages) == 2
    assert (await other.search("zzz", vector=[1.0, 0.0])).passages == ()
    assert len((await other.search("coins", vector=[0.0, 1.0])).passages) == 1
    assert "vectors" not in await _note_of(built)
    assert "with vectors of topics" in await _note_of(other)
    await built.close()
    await other.close()


async def _note_of(index: LocalIndex) -> str:
    await index.warm()
    return index.describe().note

"""What the Qdrant index promises beyond the port: generations, the lease, models and whose collection it is."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from tests.qdrant_server import QdrantServer
from tests.sample_pages import page, section, small_site

from lectern.adapters.qdrant_index import QdrantIndex
from lectern.adapters.qdrant_index import acquiring as acquiring_module
from lectern.adapters.qdrant_index import control as control_module
from lectern.adapters.qdrant_index import writes as writes_module
from lectern.errors import IndexUnavailable
from lectern.ports import Index, Section

Make = Callable[..., QdrantIndex]


async def embed(index: Index, model: str = "topics", length: int = 3) -> int:
    """Give every chunk that has none a vector; return how many there were."""
    async with index.update("bakery") as update:
        pending = await update.unembedded(model)
        await update.put_vectors({key: [1.0] * length for key, _ in pending}, model)
    return len(pending)


async def test_a_killed_update_is_cleared_away_by_the_next(
    bakery: QdrantIndex,
    make: Make,
    name: str,
    qdrant: QdrantServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Points and collections that nobody finished go; what readers had is there all the time."""

    async def dies(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(writes_module, "point_alias", dies)
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
    bakery: QdrantIndex, make: Make, monkeypatch: pytest.MonkeyPatch
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
    bakery: QdrantIndex, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In-place updates and a switch of the alias, under searches: each finds the page whole, in one of its versions."""
    monkeypatch.setattr(writes_module, "BATCH", 2)
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
    monkeypatch.setattr(writes_module, "GRACE_SECONDS", -1)
    async with bakery.update("bakery"):
        pass
    assert [held for held in qdrant.collections if held.startswith(name)] == [f"{name}--v3"]
    assert (await bakery.search("receipt")).passages


async def test_vectors_of_another_model_are_not_compared_and_said(bakery: QdrantIndex, make: Make) -> None:
    """With another model configured, words alone decide, and the note tells the way out."""
    await embed(bakery, "old model", 3)
    index = make(model="new model")
    hits = await index.search("zzz", vector=[1.0] * 3)
    assert hits.passages == ()
    assert hits.degraded is not None
    assert "of old model (3 dimensions), the questions' of new model" in hits.degraded.message
    assert "ingest again" in hits.degraded.message
    assert (await index.search("receipt", vector=[1.0] * 3)).passages
    assert (await index.search("receipt")).degraded is None
    assert (await make().search("receipt", vector=[1.0] * 5)).degraded is not None
    assert (await make().search("receipt", vector=[1.0] * 3)).degraded is None
    assert "old model" in index.describe().note
    assert "ingest again" in index.describe().note
    assert len((await make(model="old model").search("zzz", vector=[1.0] * 3)).passages) > 0


async def test_somebody_elses_collection_is_refused(qdrant: QdrantServer, name: str, make: Make) -> None:
    """A collection that Lectern did not make is neither read nor written, and the message says the way out."""
    qdrant.carry_out("create", name, {"vectors": {"": {"size": 3, "distance": "Cosine"}}, "sparse_vectors": {}}, {})
    index = make()
    with pytest.raises(IndexUnavailable, match="QDRANT_COLLECTION"):
        await index.search("receipt")
    with pytest.raises(IndexUnavailable, match="QDRANT_COLLECTION"):
        async with index.update("bakery") as update:
            await update.put(small_site())
    assert "QDRANT_COLLECTION" in index.describe().note
    assert name not in qdrant.aliases


async def test_a_first_build_that_died_half_way_is_finished_by_the_next(
    make: Make, name: str, qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection without its control point is made anew; one without its alias gets it."""
    monkeypatch.setattr(acquiring_module, "MAKING_SECONDS", 0.1)
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


def test_without_its_url_nothing_of_qdrant_is_imported() -> None:
    """Its HTTP client costs a start a tenth of a second; only who configures Qdrant pays it."""
    code = (
        "import sys; from lectern.config import Settings; from lectern.wiring import build_index;"
        "build_index(Settings(_env_file=None)); print('lectern.adapters.qdrant_index' in sys.modules);"
        "index = build_index(Settings(_env_file=None, qdrant_url='https://q.example:443', qdrant_api_key='hunter2'));"
        "print('lectern.adapters.qdrant_index' in sys.modules, index.describe())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=True
    )
    first, second = ended.stdout.splitlines()
    assert first == "False"
    assert second.startswith("True")
    assert "hunter2" not in second


async def test_a_page_of_marks_is_kept(make: Make) -> None:
    """A page without a single word, and a section without text, are pages and sections all the same."""
    index = make()
    bare = Section("marzipan", ("Marzipan",), "", ())
    async with index.update("bakery") as update:
        await update.put(
            [page("marks.md", "!!!", section("… --- …")), page("bare.md", "Bare", bare, section("Nougat."))]
        )
        assert (await update.counts()).sections == 3
    assert await index.sites() == {"bakery": 2}
    assert [passage.text for passage in (await index.search("marzipan nougat")).passages] == ["Nougat."]
    assert await index.document("bakery", "/marks") is not None

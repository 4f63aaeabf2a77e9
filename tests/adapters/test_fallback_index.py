"""What two indexes promise as one: readers get an answer from the second while the first cannot give one."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from tests.qdrant_server import QdrantServer, Refused
from tests.sample_pages import page, section, small_site

from lectern.adapters.fallback_index import FallbackIndex
from lectern.adapters.local_index import LocalIndex
from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex
from lectern.errors import IndexUnavailable


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalIndex]:
    """The index that stands in."""
    index = LocalIndex(tmp_path / "index")
    yield index
    await index.close()


@pytest.fixture
async def remote(qdrant: QdrantServer, name: str) -> AsyncIterator[QdrantIndex]:
    """The index that is asked first."""
    index = QdrantIndex(QdrantConnection(qdrant.url, first_pause_seconds=0.001), name)
    yield index
    await index.close()


@pytest.fixture
async def both(remote: QdrantIndex, local: LocalIndex) -> FallbackIndex:
    """Both, holding the small site."""
    index = FallbackIndex(remote, local, rest_seconds=0.05)
    async with index.update("bakery") as update:
        await update.put(small_site())
    return index


def down(_: str) -> None:
    """Every call fails."""
    raise Refused(503, "down")


async def test_the_first_index_answers_while_it_can(both: FallbackIndex) -> None:
    """Nothing is degraded, and the part says what stands behind it."""
    hits = await both.search("receipt")
    assert hits.passages
    assert hits.degraded is None
    assert both.describe().state == "ok"
    assert both.describe().kind.endswith("else local index")


async def test_the_second_index_answers_while_the_first_is_down(both: FallbackIndex, qdrant: QdrantServer) -> None:
    """The same section is found, the hits say why, and the first is asked again once it is back."""
    before = await both.search("receipt")
    qdrant.fault = down
    hits = await both.search("receipt")
    assert [passage.id for passage in hits.passages] == [passage.id for passage in before.passages]
    assert isinstance(hits.degraded, IndexUnavailable)
    assert both.describe().state == "down"
    assert "the local index answers" in both.describe().note
    assert await both.document("bakery", "/till") is not None
    assert await both.sites() == {"bakery": 3}
    assert [found.path for found in await both.pages("bakery")] == ["bread.md", "team.md", "till.md"]
    qdrant.fault = None
    with anyio.fail_after(10):
        while (await both.search("receipt")).degraded is not None:  # noqa: ASYNC110 - time has to pass
            await anyio.sleep(0.02)
    assert both.describe().state == "ok"


async def test_a_first_index_that_failed_is_left_alone_for_a_while(
    remote: QdrantIndex, local: LocalIndex, both: FallbackIndex, qdrant: QdrantServer
) -> None:
    """Readers do not each wait for it to fail."""
    index = FallbackIndex(remote, local, rest_seconds=600)
    qdrant.fault = down
    await index.search("receipt")
    calls = qdrant.calls.total()
    assert (await index.search("receipt")).passages
    assert qdrant.calls.total() == calls


async def test_an_empty_first_index_is_stood_in_for(remote: QdrantIndex, local: LocalIndex) -> None:
    """A collection that was deleted, or never filled, is as good as one that is down."""
    async with local.update("bakery") as update:
        await update.put(small_site())
    hits = await FallbackIndex(remote, local).search("receipt")
    assert hits.passages
    assert hits.degraded is not None


async def test_two_empty_indexes_are_an_empty_one(remote: QdrantIndex, local: LocalIndex) -> None:
    """Before the first ingest nothing is found, and that is no failure."""
    hits = await FallbackIndex(remote, local).search("receipt")
    assert (hits.passages, hits.degraded) == ((), None)


async def test_nothing_to_stand_in_is_a_clear_error(
    remote: QdrantIndex, local: LocalIndex, qdrant: QdrantServer
) -> None:
    """With an empty second index the failure of the first is told."""
    qdrant.fault = down
    with pytest.raises(IndexUnavailable):
        await FallbackIndex(remote, local).search("receipt")


async def test_an_update_changes_both(both: FallbackIndex, remote: QdrantIndex, local: LocalIndex) -> None:
    """What is put, removed and embedded is so in either index."""
    async with both.update("bakery") as update:
        await update.put([page("new.md", "New", section("Marzipan is new."))])
        await update.remove(["team.md"])
        pending = await update.unembedded("topics")
        await update.put_vectors({key: [1.0, 0.0] for key, _ in pending}, "topics")
        assert (await update.counts()).documents == 3
    for index in (remote, local):
        assert (await index.search("marzipan")).passages
        assert await index.sites() == {"bakery": 3}
        async with index.update("bakery") as update_of_one:
            assert await update_of_one.unembedded("topics") == []


async def test_a_failed_block_changes_neither(both: FallbackIndex, remote: QdrantIndex, local: LocalIndex) -> None:
    """An exception discards both updates, and leaves room for the next."""
    with suppress(ZeroDivisionError):
        async with both.update("bakery") as update:
            await update.remove(["bread.md"])
            raise ZeroDivisionError
    assert await remote.sites() == await local.sites() == {"bakery": 3}
    async with both.update("bakery") as update:
        assert "bread.md" in update.digests


async def test_a_page_on_which_the_two_differ_is_read_again(both: FallbackIndex, local: LocalIndex) -> None:
    """Its digest matches nothing, so the next ingest brings both in line."""
    changed = page("till.md", "The till", section("Marzipan."))
    async with local.update("bakery") as update:
        await update.put([changed])
        await update.remove(["team.md"])
    async with both.update("bakery") as update_of_both:
        digests = update_of_both.digests
        assert digests["bread.md"]
        assert (digests["till.md"], digests["team.md"]) == ("", "")
        await update_of_both.put(small_site())
    assert (await local.search("receipt")).passages
    assert await local.sites() == {"bakery": 3}


async def test_a_second_index_that_fails_costs_no_ingest(
    remote: QdrantIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first is written, and the log says that the second was not."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    index = FallbackIndex(remote, LocalIndex(blocked))
    with caplog.at_level(logging.WARNING):
        async with index.update("bakery") as update:
            await update.put(small_site())
            assert (await update.counts()).documents == 3
    assert await remote.sites() == {"bakery": 3}
    assert "local index was not updated" in caplog.text


async def test_a_first_index_that_is_down_fails_the_ingest_and_the_second_is_written(
    remote: QdrantIndex, local: LocalIndex, qdrant: QdrantServer
) -> None:
    """Whoever ingests is told to do it again; readers have the pages already."""
    index = FallbackIndex(remote, local)
    qdrant.fault = down
    with pytest.raises(IndexUnavailable, match="The local index was"):
        async with index.update("bakery") as update:
            await update.put(small_site())
    assert await local.sites() == {"bakery": 3}
    qdrant.fault = None
    async with index.update("bakery") as update:
        await update.put(small_site())
    assert await remote.sites() == {"bakery": 3}

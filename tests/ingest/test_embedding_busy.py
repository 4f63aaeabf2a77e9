"""A provider is kept busy: its limit is reached while pages are being read, and kept to the end, commits included."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest
from tests.ingest.barrier import barrier

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.local_index.update import LocalUpdate
from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.provider import Provider
from lectern.errors import IndexUnavailable
from lectern.ingest import embedding
from lectern.ingest.embedding import Embedded
from lectern.ingest.pipeline import ingest
from lectern.ports import Vector

PAGES = 200


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """200 pages of two chunks each; batches of two, commits of 64."""
    monkeypatch.setattr(embedding, "BATCH", 2)
    monkeypatch.setattr(embedding, "COMMIT", 64)
    site = tmp_path / "site"
    site.mkdir()
    for number in range(PAGES):
        text = f"# Page {number}\n\nThis is number {number}.\n\n## Part\n\nThis is a part of number {number}.\n"
        (site / f"page-{number:03}.md").write_text(text)
    return site


@pytest.mark.parametrize("limit", [1, 4, 24])
async def test_the_limit_is_reached_and_kept(
    tmp_path: Path, site: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were fewer requests under way at any time, or none begun during a commit, the ingest would never end."""
    index = LocalIndex(tmp_path / "index")
    commits: list[int] = []
    begun_while_reading = 0
    put_vectors = LocalUpdate.put_vectors
    async with barrier(limit) as provider:

        def note(stage: str, done: int, total: int) -> None:
            nonlocal begun_while_reading
            if stage == "reading" and done == total:
                begun_while_reading = provider.begun
            elif stage == "embedding":
                provider.expect(total)

        async def slow(update: LocalUpdate, vectors: Mapping[str, Vector], model: str) -> None:
            # More than two commits' worth: nobody may wait behind this one.
            await provider.until_begun(provider.begun + 70)
            await put_vectors(update, vectors, model)
            commits.append(len(vectors))

        monkeypatch.setattr(LocalUpdate, "put_vectors", slow)
        api = Provider(base_url=provider.url, api_key="k")
        embeddings = OpenAIEmbeddings(api, model="m", requests=limit, timeout_seconds=100)
        with anyio.fail_after(100):
            report = await ingest(
                site, site="docs", base_url=None, index=index, embeddings=embeddings, requests=limit, progress=note
            )
        await api.close()
    assert report.embedded == Embedded(2 * PAGES)
    assert provider.most == limit
    assert begun_while_reading >= limit
    assert sum(commits) == 2 * PAGES
    assert len(commits) > 1
    await index.close()


async def test_a_model_in_this_process_waits_until_the_pages_are_in(tmp_path: Path, site: Path) -> None:
    """Without a provider's limit nothing is embedded before the pages answer."""
    index = LocalIndex(tmp_path / "index")
    async with barrier(1) as provider:
        found: list[int] = []

        def note(stage: str, done: int, total: int) -> None:
            if stage == "reading" and done == total:
                found.append(provider.begun)
            elif stage == "embedding":
                provider.expect(total)

        api = Provider(base_url=provider.url, api_key="k")
        embeddings = OpenAIEmbeddings(api, model="m", requests=1)
        report = await ingest(site, site="docs", base_url=None, index=index, embeddings=embeddings, progress=note)
        await api.close()
    assert found == [0]
    assert report.embedded == Embedded(2 * PAGES)
    await index.close()


async def test_an_index_that_fails_while_pages_are_read_is_told_as_itself(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests under way are given up, nothing is committed, and the error is the index's, not a group."""

    async def refuse(_update: LocalUpdate, _paths: Sequence[str]) -> None:
        raise IndexUnavailable

    monkeypatch.setattr(LocalUpdate, "remove", refuse)
    index = LocalIndex(tmp_path / "index")
    async with barrier(1000) as provider:
        api = Provider(base_url=provider.url, api_key="k")
        embeddings = OpenAIEmbeddings(api, model="m", requests=4)
        with anyio.fail_after(60), pytest.raises(IndexUnavailable):
            await ingest(site, site="docs", base_url=None, index=index, embeddings=embeddings, requests=4)
        await api.close()
    assert await index.sites() == {}
    await index.close()

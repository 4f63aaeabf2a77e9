"""What an ingest promises about vectors: after the pages, never twice, and resumed where it stopped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from lectern.adapters.local_index import LocalIndex
from lectern.errors import UpstreamUnavailable
from lectern.ingest import embedding
from lectern.ingest.pipeline import Report, ingest
from lectern.ports import Part, Vector


class CountingEmbeddings:
    """Vectors that are a function of the text; fails once after a number of calls when told to."""

    model = "counting"

    def __init__(self, fail_after: int | None = None) -> None:
        self.fail_after = fail_after
        self.texts: list[str] = []
        self.batches: list[int] = []

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Count, and fail when it is time."""
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            self.fail_after = None
            raise UpstreamUnavailable
        assert purpose == "document"
        self.texts += texts
        self.batches.append(len(texts))
        return [[1.0, 0.0] if "number 7." in text else [0.0, 1.0] for text in texts]

    def describe(self) -> Part:
        """Counting."""
        return Part("embeddings", "counting", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of ten pages of one chunk each; batches of two, commits of four."""
    monkeypatch.setattr(embedding, "BATCH", 2)
    monkeypatch.setattr(embedding, "COMMIT", 4)
    folder = tmp_path / "site"
    folder.mkdir()
    for number in range(10):
        (folder / f"page-{number}.md").write_text(f"# Page {number}\n\nThis is number {number}.\n")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    """An empty index."""
    return LocalIndex(tmp_path / "index")


async def run(site: Path, index: LocalIndex, embeddings: CountingEmbeddings) -> Report:
    """One ingest with vectors."""
    return await ingest(site, site="docs", base_url=None, index=index, embeddings=embeddings)


async def test_every_chunk_gets_its_vector_once(site: Path, index: LocalIndex) -> None:
    """All chunks are embedded in batches, a second ingest embeds nothing, and a change only what changed."""
    embeddings = CountingEmbeddings()
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left, report.embedded.failure) == (10, 0, None)
    assert embeddings.batches == [2, 2, 2, 2, 2]
    await run(site, index, embeddings)
    assert len(embeddings.texts) == 10
    (site / "page-3.md").write_text("# Page 3\n\nThis is another.\n")
    await run(site, index, embeddings)
    assert embeddings.texts[10:] == ["Page 3\nThis is another."]
    assert (await index.search("zzz", vector=[1.0, 0.0])).passages[0].document == "page-7.md"


async def test_a_provider_that_fails_costs_no_page_and_the_next_ingest_resumes(site: Path, index: LocalIndex) -> None:
    """The lexical index stands, what was embedded is kept, and no chunk is embedded twice."""
    embeddings = CountingEmbeddings(fail_after=3)
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left) == (6, 4)
    assert isinstance(report.embedded.failure, UpstreamUnavailable)
    assert (await index.search("number 9")).passages
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left) == (4, 0)
    assert len(embeddings.texts) == len(set(embeddings.texts)) == 10


async def test_a_dry_run_asks_no_provider(site: Path, index: LocalIndex) -> None:
    """A dry run costs nothing anywhere."""
    embeddings = CountingEmbeddings()
    report = await ingest(site, site="docs", base_url=None, index=index, embeddings=embeddings, dry_run=True)
    assert report.embedded is None
    assert embeddings.texts == []

"""What an ingest promises about vectors: after the pages, never twice, and resumed where it stopped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import anyio
import anyio.lowlevel
import pytest

from lectern.adapters.local_index import LocalIndex
from lectern.errors import LecternError, UpstreamRejected, UpstreamUnavailable
from lectern.ingest import embedding
from lectern.ingest.pipeline import Report, ingest
from lectern.ports import Part, Vector


class CountingEmbeddings:
    """Vectors that are a function of the text; fails once, in its own way, after a number of calls when told to."""

    model = "counting"

    def __init__(self, fail_after: int | None = None, failure: LecternError | None = None) -> None:
        self.fail_after = fail_after
        self.failure = failure or UpstreamRejected()
        self.calls = self.under_way = self.most_under_way = 0
        self.texts: list[str] = []
        self.batches: list[int] = []

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Count, and fail when it is time."""
        self.calls += 1
        if self.fail_after is not None and self.calls > self.fail_after:
            self.fail_after = None
            raise self.failure
        assert purpose == "document"
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await anyio.lowlevel.checkpoint()
        self.under_way -= 1
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
    monkeypatch.setattr(embedding, "FIRST_WAIT_SECONDS", 0.001)
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
    assert embeddings.most_under_way > 1
    assert (await index.search("zzz", vector=[1.0, 0.0])).passages[0].document == "page-7.md"


async def test_a_provider_that_fails_costs_no_page_and_the_next_ingest_resumes(site: Path, index: LocalIndex) -> None:
    """The lexical index stands, what was embedded is kept, and no chunk is embedded twice."""
    embeddings = CountingEmbeddings(fail_after=3)
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left) == (6, 4)
    assert isinstance(report.embedded.failure, UpstreamRejected)
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


async def test_what_may_pass_is_tried_again(site: Path, index: LocalIndex) -> None:
    """A provider that is busy for a moment costs a pause and nothing else."""
    embeddings = CountingEmbeddings(fail_after=2, failure=UpstreamUnavailable(retry_after_seconds=0.01))
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left, report.embedded.failure) == (10, 0, None)
    assert len(embeddings.texts) == len(set(embeddings.texts)) == 10


async def test_a_pause_that_is_too_long_ends_the_run(site: Path, index: LocalIndex) -> None:
    """An ingest does not hang for an hour because a provider says so; it says how far it came."""
    embeddings = CountingEmbeddings(fail_after=2, failure=UpstreamUnavailable(retry_after_seconds=3600))
    report = await run(site, index, embeddings)
    assert report.embedded is not None
    assert report.embedded.left > 0
    assert isinstance(report.embedded.failure, UpstreamUnavailable)


async def test_a_failure_that_does_not_pass_ends_the_run(
    site: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few attempts the run ends, with what was done kept."""
    monkeypatch.setattr(embedding, "AT_ONCE", 1)
    monkeypatch.setattr(embedding, "ATTEMPTS", 2)

    class Failing(CountingEmbeddings):
        async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
            if len(self.batches) == 3:
                raise UpstreamUnavailable
            return await super().embed(texts, purpose=purpose)

    report = await run(site, index, Failing())
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left) == (6, 4)


async def test_a_text_of_another_site_is_not_embedded_again(site: Path, index: LocalIndex) -> None:
    """The same words on a second site have their vector already."""
    embeddings = CountingEmbeddings()
    await run(site, index, embeddings)
    report = await ingest(site, site="copy", base_url=None, index=index, embeddings=embeddings)
    assert report.embedded is not None
    assert (report.embedded.done, report.embedded.left) == (0, 0)
    assert len(embeddings.texts) == 10


async def test_a_defect_is_raised_as_itself(site: Path, index: LocalIndex) -> None:
    """What is no failure of the model comes out as it is, not as a group of errors."""

    class Broken(CountingEmbeddings):
        async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run(site, index, Broken())


async def test_vectors_are_committed_while_the_rest_is_made(
    site: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is in the index before the end: that is what a killed ingest keeps."""
    kept: list[int] = []

    class Looking(CountingEmbeddings):
        async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
            if len(self.batches) >= 3:
                async with index.update("docs") as update:
                    kept.append(10 - len(await update.unembedded(self.model)))
            return await super().embed(texts, purpose=purpose)

    monkeypatch.setattr(embedding, "AT_ONCE", 1)
    await run(site, index, Looking())
    assert kept == [4, 8]

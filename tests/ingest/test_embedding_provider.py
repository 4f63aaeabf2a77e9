"""An ingest against a provider over HTTP: busy for a moment, limited, or refusing."""

from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest
from tests.stub_process import Stub, running_stub

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.provider import Provider
from lectern.errors import UpstreamRejected
from lectern.ingest import embedding
from lectern.ingest.embedding import Embedded
from lectern.ingest.pipeline import ingest

Make = Callable[[str], OpenAIEmbeddings]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
async def make(stub: Stub) -> AsyncGenerator[Make, None]:
    """Makes adapters for a model of the stub, with two requests at once."""
    provider = Provider(base_url=stub.base_url, api_key="k")
    yield lambda model: OpenAIEmbeddings(provider, model=model, requests=2)
    await provider.close()


async def run(tmp_path: Path, embeddings: OpenAIEmbeddings, monkeypatch: pytest.MonkeyPatch) -> Embedded:
    """Ingest eight pages, two in a request."""
    monkeypatch.setattr(embedding, "BATCH", 2)
    site = tmp_path / "site"
    site.mkdir()
    for number in range(8):
        (site / f"page-{number}.md").write_text(f"# Page {number}\n\nThis is number {number}.\n")
    index = LocalIndex(tmp_path / "index")
    report = await ingest(site, site="docs", base_url=None, index=index, embeddings=embeddings)
    assert (await index.search("number 7")).passages[0].document == "page-7.md"
    assert report.embedded is not None
    return report.embedded


async def test_a_provider_that_is_busy_is_asked_again(
    tmp_path: Path, stub: Stub, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 429 costs the pause that it names; every chunk gets its vector, never more requests at once than allowed."""
    model = "stub-embed-fail429-flaky3-ttft20"
    assert await run(tmp_path, make(model), monkeypatch) == Embedded(8)
    stats = stub.stats()
    assert stats["requests"][model] > 4
    assert stats["most_open"] == 2


async def test_a_wrong_key_is_asked_once(
    tmp_path: Path, stub: Stub, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is not repeated; the pages answer by words and the report says why there are no vectors."""
    embedded = await run(tmp_path, make("stub-embed-fail401"), monkeypatch)
    assert (embedded.done, embedded.left) == (0, 8)
    assert isinstance(embedded.failure, UpstreamRejected)
    assert stub.stats()["requests"]["stub-embed-fail401"] <= 4

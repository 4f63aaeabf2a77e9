"""Cohere's embeddings and reranking against a real HTTP server, well and broken."""

import math
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from functools import partial

import anyio
import pytest
from tests.stub_process import Stub

from lectern.adapters.cohere_api import CohereEmbeddings, CohereReranker
from lectern.adapters.provider import Provider
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable

TEXTS = ["bread and butter", "the till holds coins", "bread rises overnight"]


@pytest.fixture
async def provider(stub: Stub) -> AsyncGenerator[Provider, None]:
    """The stub, as Cohere."""
    provider = Provider(
        base_url=stub.base_url.removesuffix("/v1") + "/", api_key="co-secret-key", connect_timeout_seconds=2
    )
    yield provider
    await provider.close()


async def test_documents_and_questions_are_told_apart(stub: Stub, provider: Provider) -> None:
    """Each is sent with its input type, in batches; vectors come back in order, of unit length."""
    embeddings = CohereEmbeddings(provider, model="stub-embed-dim8-tagtypes", batch=2)
    assert embeddings.model == "stub-embed-dim8-tagtypes"
    documents = await embeddings.embed(TEXTS, purpose="document")
    sent = stub.last("stub-embed-dim8-tagtypes")
    assert sent["headers"]["authorization"] == "Bearer co-secret-key"
    assert sent["body"] == {
        "model": "stub-embed-dim8-tagtypes",
        "texts": TEXTS[2:],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "truncate": "END",
    }
    assert stub.stats()["requests"]["stub-embed-dim8-tagtypes"] == 2
    [question] = await embeddings.embed(TEXTS[:1], purpose="query")
    assert stub.last("stub-embed-dim8-tagtypes")["body"]["input_type"] == "search_query"
    assert question != documents[0]
    for text, vector in zip(TEXTS, documents, strict=True):
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-5)
        assert (await embeddings.embed([text], purpose="document"))[0] == pytest.approx(vector, abs=1e-6)
    assert embeddings.describe().state == "ok"


async def test_no_more_texts_than_cohere_takes(stub: Stub, provider: Provider) -> None:
    """96 texts a request, whatever the setting; nothing asks nothing; an empty text has a vector."""
    embeddings = CohereEmbeddings(provider, model="stub-embed-dim4-tagmany", batch=2000)
    assert len(await embeddings.embed([f"text {number}" for number in range(200)] + [""], purpose="document")) == 201
    assert stub.stats()["requests"]["stub-embed-dim4-tagmany"] == 3
    assert await embeddings.embed([], purpose="query") == []
    assert stub.stats()["requests"]["stub-embed-dim4-tagmany"] == 3


async def test_an_ingest_leaves_questions_their_way(stub: Stub, provider: Provider) -> None:
    """So many requests for documents at once and no more; a question does not wait behind them."""
    embeddings = CohereEmbeddings(provider, model="stub-embed-ttft200-tagqueue", requests=2)
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(partial(embeddings.embed, [f"document {number}"], purpose="document"))
        with anyio.fail_after(10):
            while stub.stats()["open"] < 2:  # noqa: ASYNC110 - another process
                await anyio.sleep(0.01)
        await embeddings.embed(["a question"], purpose="query")
        assert stub.stats()["requests"]["stub-embed-ttft200-tagqueue"] < 7
    assert stub.stats()["requests"]["stub-embed-ttft200-tagqueue"] == 7


async def test_texts_are_judged_by_the_query(stub: Stub, provider: Provider) -> None:
    """One score a text comes back in the order of the texts, though the answer is sorted."""
    reranker = CohereReranker(provider, model="stub-tagrank")
    scores = await reranker.rerank("bread overnight", [*TEXTS, ""])
    assert scores == [0.5, 0.0, 1.0, 0.0]
    assert stub.last("stub-tagrank")["body"] == {
        "model": "stub-tagrank",
        "query": "bread overnight",
        "documents": [*TEXTS, " "],
    }
    assert await reranker.rerank("bread", []) == []
    assert reranker.describe().state == "ok"
    assert reranker.describe().name == "rerank"


FAULTS: list[tuple[str, type[LecternError], str]] = [
    ("fail401", UpstreamRejected, "status 401"),
    ("fail400", UpstreamRejected, "status 400"),
    ("fail429", UpstreamUnavailable, "status 429"),
    ("fail500", UpstreamUnavailable, "status 500"),
    ("reset", UpstreamUnavailable, "ClientOSError"),
    ("fin0", UpstreamUnavailable, "ClientPayloadError"),
    ("cut0", UpstreamUnavailable, ""),
    ("html", UpstreamUnavailable, ""),
    ("okerror", UpstreamUnavailable, "KeyError"),
    ("nan", UpstreamUnavailable, ""),
    ("short", UpstreamUnavailable, "not one"),
    ("uneven", UpstreamUnavailable, ""),
    ("hang", UpstreamTimeout, "TimeoutError"),
    ("stall0", UpstreamTimeout, "TimeoutError"),
]


@pytest.mark.parametrize(("fault", "error", "note"), FAULTS)
@pytest.mark.parametrize("kind", ["embed", "rerank"])
async def test_every_failure_is_the_right_error(
    provider: Provider, kind: str, fault: str, error: type[LecternError], note: str
) -> None:
    """Faults and garbage end in bounded time in an error of ours that tells nothing of the key or the text."""
    seconds = 0.3 if error is UpstreamTimeout else 20
    embeddings = CohereEmbeddings(provider, model=f"stub-embed-{fault}", timeout_seconds=seconds)
    reranker = CohereReranker(provider, model=f"stub-{fault}", timeout_seconds=seconds)
    part = embeddings if kind == "embed" else reranker
    began = time.monotonic()
    call = embeddings.embed(TEXTS, purpose="document") if kind == "embed" else reranker.rerank("bread", TEXTS)
    with pytest.raises(error) as caught:
        await call
    assert time.monotonic() - began < 10
    assert type(caught.value) is error
    assert note in part.describe().note
    assert part.describe().state == "down"
    shown = f"{caught.value} {part.describe()}"
    assert "co-secret-key" not in shown
    assert "butter" not in shown
    if fault == "fail429":
        assert caught.value.retry_after_seconds == 1


async def test_nobody_there(stub: Stub) -> None:
    """No connection is a failure like any other; making and warming the parts needs none."""
    provider = Provider(base_url="http://127.0.0.1:9", api_key="k", connect_timeout_seconds=1)
    embeddings, reranker = CohereEmbeddings(provider, model="m"), CohereReranker(provider, model="m")
    for part in (embeddings, reranker):
        await part.warm()
        assert part.describe().state == "unknown"
    with pytest.raises(UpstreamUnavailable):
        await reranker.rerank("bread", TEXTS)
    with pytest.raises(UpstreamUnavailable):
        await embeddings.embed(TEXTS, purpose="query")
    await embeddings.close()
    await reranker.close()


def test_the_sdk_is_not_needed() -> None:
    """Nothing of Cohere's SDK is imported: two calls do not carry it."""
    code = "import sys, lectern.adapters.cohere_api; print('cohere' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "False"


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}

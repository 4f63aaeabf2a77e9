"""The embeddings adapter against a real HTTP server, well and broken."""

import math
import time
from collections.abc import AsyncGenerator, Callable

import pytest
from tests.stub_process import Stub

from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.provider import Provider
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable

Make = Callable[..., OpenAIEmbeddings]


@pytest.fixture
async def make(stub: Stub) -> AsyncGenerator[Make, None]:
    """Makes adapters for a model of the stub."""
    provider = Provider(base_url=stub.base_url, api_key="sk-secret-key", connect_timeout_seconds=2)

    def make(model: str, *, batch: int = 64, tokens: int = 50_000, timeout: float = 10) -> OpenAIEmbeddings:
        return OpenAIEmbeddings(provider, model=model, batch=batch, batch_tokens=tokens, timeout_seconds=timeout)

    yield make
    await provider.close()


async def test_one_unit_vector_a_text_in_order(stub: Stub, make: Make) -> None:
    """Texts are sent in batches, and their vectors come back in the order of the texts."""
    embeddings = make("stub-embed-dim32-tagbatch", batch=3)
    texts = [f"text number {number}" for number in range(8)]
    vectors = await embeddings.embed(texts, purpose="document")
    assert stub.stats()["requests"]["stub-embed-dim32-tagbatch"] == 3
    assert len(vectors) == 8
    for text, vector in zip(texts, vectors, strict=True):
        assert len(vector) == 32
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-5)
        assert (await embeddings.embed([text], purpose="query"))[0] == pytest.approx(vector, abs=1e-6)
    assert embeddings.describe().state == "ok"
    assert embeddings.model == "stub-embed-dim32-tagbatch"


async def test_long_texts_go_in_more_requests(stub: Stub, make: Make) -> None:
    """A request holds no more tokens, by estimate, than it may; a text that is longer goes alone."""
    embeddings = make("stub-embed-dim8-tagtokens", tokens=25)
    texts = ["thirty bytes, so ten of them. "] * 5 + ["a very long one " * 20]
    assert len(await embeddings.embed(texts, purpose="document")) == 6
    assert stub.stats()["requests"]["stub-embed-dim8-tagtokens"] == 4
    assert stub.last("stub-embed-dim8-tagtokens")["body"]["input"] == texts[-1:]


async def test_an_answer_in_another_order(make: Make) -> None:
    """A provider may answer in any order: the index of each vector counts."""
    texts = ["one thing", "another matter", "something else"]
    shuffled = await make("stub-embed-shuffle").embed(texts, purpose="document")
    assert shuffled == await make("stub-embed").embed(texts, purpose="document")


async def test_no_texts_no_request(stub: Stub, make: Make) -> None:
    """Nothing to embed asks nothing."""
    assert await make("stub-embed-tagnone").embed([], purpose="document") == []
    assert "stub-embed-tagnone" not in stub.stats()["requests"]


async def test_an_empty_text_has_a_vector(stub: Stub, make: Make) -> None:
    """The API refuses empty texts, so a space stands for one."""
    assert len(await make("stub-embed-tagempty").embed(["", "a word"], purpose="document")) == 2
    assert stub.last("stub-embed-tagempty")["body"]["input"] == [" ", "a word"]


async def test_a_server_without_base64(stub: Stub, make: Make) -> None:
    """A server that refuses base64 is asked for numbers from then on."""
    embeddings = make("stub-embed-picky")
    plain = await make("stub-embed").embed(["some words"], purpose="query")
    for _ in range(2):
        [vector] = await embeddings.embed(["some words"], purpose="query")
        assert vector == pytest.approx(plain[0], abs=1e-6)
    assert stub.stats()["requests"]["stub-embed-picky"] == 3


@pytest.mark.parametrize(
    ("model", "error", "note"),
    [
        ("stub-embed-fail401", UpstreamRejected, "status 401"),
        ("stub-embed-fail400", UpstreamRejected, "status 400"),
        ("stub-embed-fail429", UpstreamUnavailable, "status 429"),
        ("stub-embed-fail500", UpstreamUnavailable, "status 500"),
        ("unknown", UpstreamRejected, "model_not_found"),
        ("stub-embed-reset", UpstreamUnavailable, "ClientOSError"),
        ("stub-embed-fin0", UpstreamUnavailable, "ClientPayloadError"),
        ("stub-embed-cut0", UpstreamUnavailable, ""),
        ("stub-embed-garbage0", UpstreamUnavailable, ""),
        ("stub-embed-html", UpstreamUnavailable, ""),
        ("stub-embed-okerror", UpstreamUnavailable, ""),
        ("stub-embed-nan", UpstreamUnavailable, "points nowhere"),
        ("stub-embed-zero", UpstreamUnavailable, "points nowhere"),
        ("stub-embed-short", UpstreamUnavailable, "not one vector a text"),
        ("stub-embed-uneven", UpstreamUnavailable, "ValueError"),
        ("stub-embed-hang", UpstreamTimeout, "TimeoutError"),
        ("stub-embed-stall0", UpstreamTimeout, "TimeoutError"),
    ],
)
async def test_what_is_no_vector(make: Make, model: str, error: type[LecternError], note: str) -> None:
    """Every failure, and every answer that is not one good vector a text, is the right error in bounded time."""
    embeddings = make(model, timeout=0.3 if error is UpstreamTimeout else 20)
    began = time.monotonic()
    with pytest.raises(error) as caught:
        await embeddings.embed(["one", "two", "three"], purpose="document")
    assert time.monotonic() - began < 10
    assert type(caught.value) is error
    assert "embedding model" in caught.value.message
    assert note in embeddings.describe().note
    assert embeddings.describe().state == "down"
    assert "sk-secret-key" not in f"{caught.value} {embeddings.describe()}"


async def test_batches_of_different_lengths(make: Make) -> None:
    """Vectors are of one length across the requests too."""
    embeddings = make("stub-embed-uneven", batch=1)
    long = make("stub-embed", batch=1)
    [short] = await embeddings.embed(["one"], purpose="query")
    [whole] = await long.embed(["one"], purpose="query")
    assert len(short) == len(whole) - 1
    with pytest.raises(UpstreamUnavailable):
        await make("stub-embed-uneven", batch=2).embed(["one", "two", "three"], purpose="document")


async def test_no_connection_is_left_open(stub: Stub, make: Make) -> None:
    """Calls that fail hold nothing."""
    idle = (await stub.until(open=0))["connections"]
    for model in ("stub-embed-hang", "stub-embed-stall0", "stub-embed-fin0", "stub-embed-reset", "stub-embed-fail500"):
        with pytest.raises(LecternError):
            await make(model, timeout=0.2).embed(["one"], purpose="query")
    stats = await stub.until(open=0)
    assert stats["connections"] <= idle + 1


async def test_warm_asks_nothing(stub: Stub, make: Make) -> None:
    """Warming costs nothing at the provider."""
    embeddings = make("stub-embed-tagwarm")
    await embeddings.warm()
    assert "stub-embed-tagwarm" not in stub.stats()["requests"]
    await embeddings.embed(["one"], purpose="query")
    await embeddings.close()

"""Each refusal of a provider has its finding, its fix, and no word of the provider's own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest
from tests.stub_process import Stub
from tests.web_server import Answer, running_web

from lectern.adapters.cohere_api import CohereEmbeddings
from lectern.adapters.examine_cohere import examine_reranker
from lectern.adapters.examine_embeddings import EmbeddingTrial
from lectern.adapters.examine_openai import Names, examine_model
from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.provider import Provider
from lectern.ops.findings import Finding

KEY = "sk-secret-0123456789"
NAMES = Names("THE_KEY", "THE_MODEL", "THE_URL")
LEAK = f"Incorrect API key provided: {KEY}"


@pytest.fixture
async def opened() -> AsyncGenerator[AsyncExitStack, None]:
    """Closes providers."""
    async with AsyncExitStack() as stack:
        yield stack


async def examine(opened: AsyncExitStack, base_url: str, model: str) -> Finding:
    """The finding on a chat model."""
    provider = Provider(base_url=base_url, api_key=KEY, connect_timeout_seconds=1)
    opened.push_async_callback(provider.close)
    [finding] = await examine_model(provider, part="model", model=model, names=NAMES)
    assert KEY not in finding.found + finding.fix
    return finding


def error(status: int, code: str) -> Answer:
    """A refusal in OpenAI's shape, whose text repeats the key."""
    return Answer(status, {"error": {"message": LEAK, "type": "x", "code": code}})


async def test_a_model_on_the_list_costs_nothing(opened: AsyncExitStack, stub: Stub) -> None:
    """No answer is asked for."""
    before = stub.stats()["requests"].get("stub", 0)
    finding = await examine(opened, stub.base_url, "stub")
    assert finding.state == "ok"
    assert "takes the key and knows stub" in finding.found
    assert stub.stats()["requests"].get("stub", 0) == before


async def test_a_model_that_is_not_listed_is_asked(opened: AsyncExitStack, stub: Stub) -> None:
    """It may be there all the same; its answer is left after the first words."""
    finding = await examine(opened, stub.base_url, "stub-len500-itl20-tag1")
    assert (finding.state, "does not list it" in finding.found) == ("ok", True)
    await stub.until(open=0)


@pytest.mark.parametrize(
    ("model", "found", "fix"),
    [
        ("stub-fail401-tag2", "status 401", "set THE_KEY"),
        ("stub-fail402-tag2", "status 402", "no credit"),
        ("stub-fail403-tag2", "status 403", "may not do this"),
        ("gpt-unknown", "status 404 (model_not_found)", "correct THE_MODEL or THE_URL"),
        ("stub-fail429-tag2", "status 429", "limit a minute"),
        ("stub-fail503-tag2", "status 503", "fault of its own"),
        ("stub-reset-tag2", "Error", "cannot be reached"),
        ("stub-html-tag2", "", "no such API"),
    ],
)
async def test_each_refusal_has_its_fix(opened: AsyncExitStack, stub: Stub, model: str, found: str, fix: str) -> None:
    """The status is told, and the setting that mends it."""
    finding = await examine(opened, stub.base_url, model)
    assert finding.state == "fail"
    assert found in finding.found
    assert fix in finding.fix


async def test_a_key_that_the_list_refuses_is_not_tried_further(opened: AsyncExitStack) -> None:
    """401 is final; the provider's text, which repeats the key, is not told."""
    with running_web({"GET /v1/models": error(401, "invalid_api_key")}) as web:
        finding = await examine(opened, f"{web.url}/v1", "gpt")
        assert [request for request, _ in web.seen] == ["GET /v1/models"]
    assert (finding.state, "status 401 (invalid_api_key)" in finding.found) == ("fail", True)
    assert "set THE_KEY" in finding.fix


async def test_an_empty_account_is_not_a_busy_one(opened: AsyncExitStack) -> None:
    """429 has two meanings, and only one of them passes."""
    with running_web({"GET /v1/models": error(429, "insufficient_quota")}) as web:
        finding = await examine(opened, f"{web.url}/v1", "gpt")
    assert "Waiting does not help" in finding.fix


@pytest.mark.parametrize("status", [403, 404, 405, 200])
async def test_a_list_that_does_not_tell_is_followed_by_an_answer(opened: AsyncExitStack, status: int) -> None:
    """A restricted key, a server without a list, a page for a list: the model itself decides."""
    frames = (
        b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m",'
        b'"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":null}]}\n\n'
    )
    body = b"<html>" if status == 200 else error(status, "x").body
    answers = {
        "GET /v1/models": Answer(status, body),
        "POST /v1/chat/completions": Answer(200, frames, {"Content-Type": "text/event-stream"}),
    }
    with running_web(answers) as web:
        finding = await examine(opened, f"{web.url}/v1", "m")
    assert (finding.state, "has no list of models" in finding.found) == ("ok", True)


async def test_nobody_there_is_named(opened: AsyncExitStack) -> None:
    """The finding points at the one on the way there."""
    finding = await examine(opened, "http://127.0.0.1:9/v1", "m")
    assert (finding.state, finding.fix) == ("fail", "It cannot be reached: look at the finding on reaching it.")


@pytest.mark.parametrize(
    ("model", "state", "words"),
    [
        ("stub-embed-dim384", "ok", "384 dimensions"),
        ("stub-embed-fail401", "fail", "set THE_KEY"),
        ("stub-embed-fail429", "fail", "limit a minute"),
        ("stub-embed-nan", "fail", "no such API"),
        ("unknown-embed", "fail", "THE_MODEL"),
    ],
)
async def test_the_embedding_model_is_asked_once_for_all(stub: Stub, model: str, state: str, words: str) -> None:
    """Whoever compares with its length shares one request; a fault has the fix of its settings."""
    before = stub.stats()["requests"].get(model, 0)
    provider = Provider(base_url=stub.base_url, api_key=KEY)
    trial = EmbeddingTrial(OpenAIEmbeddings(provider, model=model), NAMES)
    [finding] = await trial.examine()
    assert await trial.dimensions() == (384 if state == "ok" else None)
    await trial.close()
    assert finding.state == state
    assert words in finding.found + finding.fix
    assert KEY not in finding.found + finding.fix
    assert stub.stats()["requests"].get(model, 0) - before in ({1} if model != "unknown-embed" else {0})


@pytest.mark.parametrize(
    ("model", "state", "words"),
    [
        ("stub", "ok", "takes the key and ranks"),
        ("stub-fail401", "fail", "set THE_KEY"),
        ("stub-fail404", "fail", "THE_MODEL"),
        ("stub-fail429", "fail", "limit a minute"),
        ("stub-nan", "fail", "no such API"),
    ],
)
async def test_cohere_is_asked_to_rank(stub: Stub, model: str, state: str, words: str) -> None:
    """The key and the model, by the smallest ranking there is; and its vectors."""
    base_url = stub.base_url.removesuffix("/v1")
    provider = Provider(base_url=base_url, api_key=KEY)
    [finding] = await examine_reranker(provider, model=model, names=NAMES)
    trial = EmbeddingTrial(CohereEmbeddings(provider, model="stub-embed-dim8"), NAMES)
    assert await trial.dimensions() == 8
    await trial.close()
    assert finding.state == state
    assert words in finding.found + finding.fix
    assert KEY not in finding.found + finding.fix

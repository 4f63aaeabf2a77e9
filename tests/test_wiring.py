"""The app as its settings wire it, with a real provider that misbehaves."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from tests.scripted import FixedIndex, hits, passage
from tests.stub_process import Stub, running_stub

from lectern.adapters.quoting import MODEL_DOWN
from lectern.adapters.sql_migrations import migrate
from lectern.app import create_app
from lectern.config import Settings
from lectern.wiring import build_ports

Client = httpx2.AsyncClient
Make = Callable[..., Client]
QUESTION = {"message": "What is a reducer?"}


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
async def app(stub: Stub, tmp_path: Path) -> AsyncGenerator[Make, None]:
    """Makes a client of an app that is wired from settings; only its index is the test's."""
    opened: list[Any] = []

    def make(model: str, **changed: object) -> Client:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path,
            openai_base_url=stub.base_url,
            openai_model=model,
            openai_api_key=SecretStr("sk-first"),
            **changed,  # type: ignore[arg-type] # settings by name
        )
        if settings.database_url is None:
            migrate(settings.sqlalchemy_url)
        ports = build_ports(settings, database_connections=2, search_threads=1)
        opened.extend(part for part in (ports.store, ports.llm, *ports.fallback_llms, ports.embeddings) if part)
        index = FixedIndex(hits(passage(1, "Reducers are pure.")))
        wired = create_app(settings, replace(ports, index=index))
        client = Client(transport=httpx2.ASGITransport(wired), base_url="http://lectern.test", timeout=30)
        opened.append(client)
        return client

    yield make
    for part in reversed(opened):
        await (part.aclose() if isinstance(part, Client) else part.close())


async def chat(client: Client) -> dict[str, Any]:
    """One answer."""
    response = await client.post("/chat", json=QUESTION)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def events(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """The events of one streamed answer."""
    response = await client.post("/chat", json=QUESTION, headers={"Accept": "text/event-stream"})
    frames = [frame.split("\n") for frame in response.text.split("\n\n") if frame.startswith("event")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))) for lines in frames]


async def test_a_second_model_answers_when_the_first_cannot(stub: Stub, app: Make) -> None:
    """At the same address with the same key; the reader is told which one it was."""
    client = app("stub-fail500-tagfirst", openai_fallback_model="stub-len5-tagsecond")
    degraded = [data for name, data in await events(client) if name == "degraded"]
    host = stub.base_url.removeprefix("http://").removesuffix("/v1")
    assert degraded == [{"part": "llm", "reason": "upstream_unavailable", "used": f"stub-len5-tagsecond at {host}"}]
    assert stub.last("stub-len5-tagsecond")["headers"]["authorization"] == "Bearer sk-first"
    for _ in range(9):
        assert not (await chat(client))["message"].startswith(MODEL_DOWN)
    assert stub.stats()["requests"]["stub-fail500-tagfirst"] < 9  # its breaker is open, the second one's is not
    circuits = (await client.get("/health/circuits")).json()
    assert (circuits["llm"]["state"], circuits["fallback_llm"]["state"]) == ("open", "closed")


async def test_a_key_stays_at_its_address(stub: Stub, app: Make) -> None:
    """A second model elsewhere gets its own key or none, never the first one's."""
    elsewhere = stub.base_url.replace("127.0.0.1", "localhost")
    for key, sent in ((None, None), (SecretStr("sk-second"), "Bearer sk-second")):
        client = app(
            "stub-fail500",
            openai_fallback_model="stub-len5-tagkey",
            openai_fallback_base_url=elsewhere,
            openai_fallback_api_key=key,
        )
        await chat(client)
        assert stub.last("stub-len5-tagkey")["headers"].get("authorization") == sent


@pytest.mark.parametrize(
    "fault", ["garbage0", "okerror", "html", "empty", "fin0", "cut0", "reset", "fail401", "fail500"]
)
async def test_garbage_for_an_answer_is_stood_in_for(app: Make, fault: str) -> None:
    """What a provider sends instead of an answer never reaches a reader, and never fails the chat."""
    answer = await chat(app(f"stub-{fault}"))
    assert answer["message"].startswith(MODEL_DOWN)
    assert set(answer["metadata"]["degraded"]) == {"llm"}


@pytest.mark.parametrize("fault", ["garbage3", "error3", "reset3", "fin3", "cut3"])
async def test_garbage_in_an_answer_ends_it_cleanly(stub: Stub, app: Make, fault: str) -> None:
    """After the first token there is exactly one `failed`, at the end, and the provider was asked once."""
    model = f"stub-{fault}-tagclean"
    names = [name for name, _ in await events(app(model))]
    assert names[-1] == "failed"
    assert names.count("failed") == 1
    assert "done" not in names
    assert stub.stats()["requests"][model] == 1


@pytest.mark.parametrize("fault", ["nan", "zero", "short", "garbage0", "html", "fail401", "hang"])
async def test_vectors_that_are_none_mean_searching_by_words(app: Make, fault: str) -> None:
    """The answer comes from the model, and says that embeddings were not used."""
    client = app("stub-len5", embedding_model=f"stub-embed-{fault}", first_token_timeout_seconds=1)
    answer = await chat(client)
    assert set(answer["metadata"]["degraded"]) == {"embeddings"}
    assert not answer["message"].startswith(MODEL_DOWN)


async def test_embeddings_that_hang_hold_nobody_for_long(stub: Stub, app: Make) -> None:
    """Five readers wait; then the breaker is open and nobody waits any more."""
    client = app("stub-len5", embedding_model="stub-embed-hang-tagwait", first_token_timeout_seconds=0.2)
    for _ in range(5):
        await chat(client)
    heard = stub.stats()["requests"]["stub-embed-hang-tagwait"]
    assert (await client.get("/health/circuits")).json()["embeddings"]["state"] == "open"
    assert set((await chat(client))["metadata"]["degraded"]) == {"embeddings"}
    assert stub.stats()["requests"]["stub-embed-hang-tagwait"] == heard


async def test_circuits_have_one_shape(app: Make) -> None:
    """Every part is there; what is on this machine has no circuit and is closed."""
    client = app("stub-len5", embedding_model="stub-embed")
    assert (await chat(client))["metadata"]["degraded"] == {}
    circuits = (await client.get("/health/circuits")).json()
    assert {part: (body["state"], body["guarded"]) for part, body in circuits.items()} == {
        "llm": ("closed", True),
        "study_llm": ("closed", True),
        "embeddings": ("closed", True),
        "index": ("closed", False),
        "database": ("closed", False),
    }
    assert (await client.get("/health")).json()["status"] == "healthy"


async def test_a_database_that_is_away_holds_nobody(app: Make) -> None:
    """Answers come from the model; after a failure the database is left alone; its password is told nowhere."""
    url = SecretStr("postgresql://reader:very-secret@127.0.0.1:9/lectern")
    client = app("stub-len5", database_url=url, database_connect_timeout_seconds=2)
    for _ in range(8):
        answer = await chat(client)
        assert set(answer["metadata"]["degraded"]) <= {"store"}
        assert not answer["message"].startswith(MODEL_DOWN)
    health, circuits = (await client.get("/health")).json(), (await client.get("/health/circuits")).json()
    assert health["status"] == "degraded"
    assert circuits["database"]["state"] == "open"
    assert "very-secret" not in f"{health}{circuits}"

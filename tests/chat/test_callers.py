"""Whose conversations are, over HTTP: visitors, people with tokens, another's session, a login server that is away."""

import json
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.conftest import Client
from tests.scripted import FailingStore, FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.outbox_files import OutboxFiles
from lectern.adapters.outbox_store import OutboxStore
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import ConversationNotFound, LoginUnavailable
from lectern.ports import Ports, Store
from lectern.principal import Principal
from lectern.web import access

SSE = {"Accept": "text/event-stream"}
VISITOR = Principal("visitor", "one")

MakeApp = Callable[[Store], FastAPI]


@pytest.fixture
def llm() -> ScriptedLLM:
    """The model, which remembers what it was shown."""
    return ScriptedLLM("Reducers are pure [1].")


@pytest.fixture
def make_app(settings: Settings, llm: ScriptedLLM) -> MakeApp:
    """Makes an app with logins over a store."""

    def make(store: Store) -> FastAPI:
        index = FixedIndex(hits(passage(1, "Reducers are pure.")))
        return create_app(settings, Ports(store, index, llm, identities=(logins(),)))

    return make


@asynccontextmanager
async def talking_to(app: FastAPI) -> AsyncGenerator[Client, None]:
    """A client of the app."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with Client(transport=transport, base_url="http://lectern.test") as client:
        yield client


@pytest.fixture
async def client(make_app: MakeApp, store: SqlStore) -> AsyncGenerator[Client, None]:
    """A client of the app over a store that is there."""
    async with talking_to(make_app(store)) as client:
        yield client


def login_away(app: FastAPI) -> None:
    """Have every caller be somebody who cannot be told, as when the login server is away."""
    app.dependency_overrides[access._caller] = lambda: access.Caller(VISITOR, "", trouble=LoginUnavailable())


async def asked(client: Client, question: str, *, by: Principal | None = None, session: str | None = None) -> str:
    """Ask; the session it landed in."""
    body = {"query": question, "selected_text": "", "session_id": session}
    response = await client.post("/chat", json=body, headers=bearer(by) if by else {})
    assert response.status_code == 200
    landed: str = response.json()["session_id"]
    return landed


async def kept(store: SqlStore, session: str, principal: Principal | None) -> list[str]:
    """The questions of a session, as this one may read it."""
    turns = await store.history(session, limit=9, principal_id=principal.id if principal else None)
    return [turn.question for turn in turns]


async def test_with_a_token_a_turn_lands_in_a_session_of_ones_own(client: Client, store: SqlStore) -> None:
    """Without a session a new one is made for whose token it is; with it, it goes on, for nobody else."""
    session = await asked(client, "First?", by=ANNE)
    assert await asked(client, "and then?", by=ANNE, session=session) == session
    assert await kept(store, session, ANNE) == ["First?", "and then?"]
    for headers in ({}, bearer(BEN)):
        body = {"message": "and mine?", "session_id": session}
        assert (await client.post("/chat", json=body, headers=headers)).status_code == 403


async def test_a_visitor_goes_on_by_the_sessions_id(client: Client, store: SqlStore) -> None:
    """Nobody has to sign in to keep a conversation; each visitor's id makes it its own until somebody claims it."""
    session = await asked(client, "First?")
    await asked(client, "and then?", session=session)
    assert await kept(store, session, None) == ["First?", "and then?"]


async def test_a_visitor_who_signs_in_keeps_the_conversation(client: Client, store: SqlStore, llm: ScriptedLLM) -> None:
    """The next question with a token makes it that one's, its history is in the prompt, and the id opens it no more."""
    session = await asked(client, "First?")
    await asked(client, "and then?", by=ANNE, session=session)
    assert "First?" in [message.content for message in llm.prompts[1].messages]
    assert await kept(store, session, ANNE) == ["First?", "and then?"]
    assert (await client.delete(f"/chat/sessions/{session}")).status_code == 403
    assert (await client.delete(f"/chat/sessions/{session}", headers=bearer(ANNE))).status_code == 200


@pytest.mark.parametrize("headers", [{}, SSE], ids=["json", "stream"])
@pytest.mark.parametrize("by", [None, BEN], ids=["visitor", "another"])
async def test_anothers_session_is_refused_before_anything(
    client: Client, store: SqlStore, llm: ScriptedLLM, headers: dict[str, str], by: Principal | None
) -> None:
    """403 with a status of its own, streaming or not; nothing is asked of the model, told, or kept."""
    session = await asked(client, "My secret?", by=ANNE)
    prompts = len(llm.prompts)
    response = await client.post(
        "/chat", json={"message": "and?", "session_id": session}, headers=headers | (bearer(by) if by else {})
    )
    assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    assert "secret" not in response.text
    assert len(llm.prompts) == prompts
    assert await kept(store, session, ANNE) == ["My secret?"]


async def test_anothers_session_is_not_deleted(client: Client, store: SqlStore) -> None:
    """Neither a visitor nor somebody else deletes it; a forged token is 401, and it is still there."""
    session = await asked(client, "Mine?", by=ANNE)
    refused = [{}, bearer(BEN), {"Authorization": "Bearer forged"}]
    statuses = [(await client.delete(f"/chat/sessions/{session}", headers=headers)).status_code for headers in refused]
    assert statuses == [403, 403, 401]
    assert await kept(store, session, ANNE) == ["Mine?"]


async def test_while_the_login_server_is_away_readers_are_answered(
    make_app: MakeApp, store: SqlStore, llm: ScriptedLLM
) -> None:
    """As visitors, and told so, in an object and in a stream; a turn in a visitor's session stays there."""
    app = make_app(store)
    login_away(app)
    async with talking_to(app) as client:
        first = (await client.post("/chat", json={"message": "First?"}, headers=bearer(ANNE))).json()
        body = {"message": "and then?", "session_id": first["session_id"]}
        stream = (await client.post("/chat", json=body, headers=bearer(ANNE) | SSE)).text
    assert first["metadata"]["degraded"] == {"login": "login_unavailable"}
    frames = [frame.split("\n") for frame in stream.split("\n\n")[:-1]]
    [degraded] = [json.loads(lines[2][6:]) for lines in frames if lines[0] == "event: degraded"]
    assert degraded == {"part": "login", "reason": "login_unavailable", "used": ""}
    assert frames[-1][0] == "event: done"
    assert await kept(store, first["session_id"], VISITOR) == ["First?", "and then?"]


async def test_while_the_login_server_is_away_ones_own_session_stays_closed(
    make_app: MakeApp, store: SqlStore, llm: ScriptedLLM
) -> None:
    """Who might be its owner is answered all the same, in another session; nothing of the first is read or changed."""
    app = make_app(store)
    async with talking_to(app) as client:
        session = await asked(client, "My secret?", by=ANNE)
        login_away(app)
        body = {"message": "and then?", "session_id": session}
        answered = await client.post("/chat", json=body, headers=bearer(ANNE))
        deleted = await client.delete(f"/chat/sessions/{session}", headers=bearer(ANNE))
    assert answered.status_code == 200
    other = answered.json()["session_id"]
    assert other != session
    assert "secret" not in str(llm.prompts[1].messages)
    assert await kept(store, other, VISITOR) == ["and then?"]
    assert await kept(store, session, ANNE) == ["My secret?"]
    assert (deleted.status_code, deleted.json()["error"]) == (503, "login_unavailable")


async def test_with_the_store_away_anothers_session_is_neither_read_nor_written(
    make_app: MakeApp, store: SqlStore, settings: Settings, llm: ScriptedLLM
) -> None:
    """The answer comes without history and says so; when the database is back, the turn that waited is refused."""
    async with talking_to(make_app(store)) as client:
        session = await asked(client, "My secret?", by=ANNE)
    files = OutboxFiles(settings.outbox_dir, most_bytes=1_000_000)
    away = OutboxStore(FailingStore(), files, patience_seconds=0.05)
    async with talking_to(make_app(away)) as client:
        body = {"message": "and mine?", "session_id": session}
        answer = (await client.post("/chat", json=body, headers=bearer(BEN))).json()
    await away.close()
    assert answer["metadata"]["degraded"] == {"store": "store_unavailable"}
    assert "secret" not in str(llm.prompts[1].messages)
    assert len(files.entries()) == 1
    back = OutboxStore(store, files)
    await back._tender._tend()
    await back.close()
    assert files.entries() == []
    assert len(list(files.aside.iterdir())) == 1
    assert await kept(store, session, ANNE) == ["My secret?"]


async def test_an_id_that_was_never_given_out_makes_no_session(client: Client, store: SqlStore) -> None:
    """An unknown id is 404 for everybody, and no session comes to be under it."""
    session = str(uuid.uuid4())
    for headers in ({}, bearer(ANNE)):
        response = await client.post("/chat", json={"message": "hi", "session_id": session}, headers=headers)
        assert response.status_code == 404
        assert (await client.delete(f"/chat/sessions/{session}", headers=headers)).status_code == 404
    with pytest.raises(ConversationNotFound):
        await store.history(session, limit=1)

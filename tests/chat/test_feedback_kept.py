"""Feedback from the request to the row: what is asked over HTTP is judged and kept by the real database."""

from collections.abc import AsyncGenerator

import httpx2
import pytest
from sqlalchemy import select
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.conftest import Client
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of

from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_models import FeedbackRow
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports


@pytest.fixture
async def client(store: SqlStore, settings: Settings) -> AsyncGenerator[Client, None]:
    """A client of an app over one real database."""
    ports = Ports(
        store,
        FixedIndex(hits(passage(1, "Reducers are pure."))),
        ScriptedLLM("Yes [1]."),
        identities=(logins(),),
        conversations=SqlConversations(database_of(store)),
    )
    transport = httpx2.ASGITransport(create_app(settings, ports), raise_app_exceptions=False)
    async with Client(transport=transport, base_url="http://lectern.test") as client:
        yield client


async def rows(store: SqlStore) -> list[tuple[str, int, str]]:
    """All feedback that is kept."""
    columns = select(FeedbackRow.turn_id, FeedbackRow.rating, FeedbackRow.comment)
    found = await database_of(store).run(lambda connection: connection.execute(columns).all())
    return [(str(row.turn_id), row.rating, row.comment) for row in found]


async def asked(client: Client, headers: dict[str, str]) -> dict[str, str]:
    """A kept answer."""
    response = await client.post("/chat", json={"message": "What is a reducer?"}, headers=headers)
    assert response.status_code == 200
    answer: dict[str, str] = response.json()
    return answer


async def test_the_last_word_counts(client: Client, store: SqlStore) -> None:
    """A second verdict takes the place of the first, and goes when its conversation is deleted."""
    answer = await asked(client, bearer(ANNE))
    address = f"/chat/turns/{answer['turn_id']}/feedback"
    for body in ({"rating": "down", "comment": "Old."}, {"rating": 1}):
        assert (await client.post(address, json=body, headers=bearer(ANNE))).status_code == 200
    assert await rows(store) == [(answer["turn_id"], 1, "")]
    await client.delete(f"/chat/sessions/{answer['session_id']}", headers=bearer(ANNE))
    assert await rows(store) == []
    assert (await client.post(address, json={"rating": 1}, headers=bearer(ANNE))).status_code == 404


async def test_anothers_answer_is_not_rated(client: Client, store: SqlStore) -> None:
    """Neither a visitor nor somebody else rates a turn of an account's or user's; a visitor's is rated by its id."""
    address = f"/chat/turns/{(await asked(client, bearer(ANNE)))['turn_id']}/feedback"
    for headers in ({}, bearer(BEN)):
        assert (await client.post(address, json={"rating": -1}, headers=headers)).status_code == 403
    assert await rows(store) == []
    anonymous = (await asked(client, {}))["turn_id"]
    assert (await client.post(f"/chat/turns/{anonymous}/feedback", json={"rating": -1})).status_code == 200
    assert await rows(store) == [(anonymous, -1, "")]

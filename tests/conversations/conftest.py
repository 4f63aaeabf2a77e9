"""The app with kept conversations, and two people who are signed in."""

import pytest
from tests.conftest import Client, MakeClient
from tests.conversation_rows import a_turn
from tests.conversations.people import ADA, AS_ADA, IDENTITIES
from tests.sql_parts import database_of

from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_store import SqlStore
from lectern.ports import Turn


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """A client of the app that knows Ada and Bob."""
    return make_client(identities=(IDENTITIES,))


@pytest.fixture
async def session(client: Client) -> str:
    """A conversation of Ada's without a turn."""
    response = await client.post("/api/chat/sessions", json={"title": "Reducers"}, headers=AS_ADA)
    assert response.status_code == 200
    return str(response.json()["id"])


@pytest.fixture
async def turn(store: SqlStore, session: str) -> Turn:
    """Its first turn."""
    turn = a_turn(session, who=ADA.id)
    await store.save_turn(turn)
    return turn


@pytest.fixture
def conversations(store: SqlStore) -> SqlConversations:
    """The port over the app's database."""
    return SqlConversations(database_of(store))

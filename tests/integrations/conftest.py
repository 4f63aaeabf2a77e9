"""The app with keys, over a real database in a file of the test's."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
from pydantic import SecretStr
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of
from tests.web.callers import with_callers

from lectern.adapters.shared_counters import SharedCounters
from lectern.adapters.sql_api_keys import SqlApiKeys
from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.integrations.identities import KeyIdentities
from lectern.ports import ApiKeys, Ports

ADMIN = "operator-token-0123456789"
OPERATOR = {"Authorization": f"Bearer {ADMIN}"}


@dataclass(frozen=True, slots=True)
class Service:
    """An app and a client of it.

    Attributes:
        client: Keeps no cookies of one caller for the next, as each test shows who it is.
        llm: Its model.
    """

    client: httpx2.AsyncClient
    llm: ScriptedLLM

    async def key(self, **body: object) -> dict[str, str]:
        """A new key, as the operator is told of it."""
        answer = await self.client.post("/admin/keys", json={"name": "Support bot"} | body, headers=OPERATOR)
        assert answer.status_code == 201, answer.text
        told: dict[str, str] = answer.json()
        return told

    async def ask(self, token: str, path: str = "/chat", **body: object) -> httpx2.Response:
        """A question with a key."""
        question = {"message": "What is a reducer?"} | body
        return await self.client.post(path, json=question, headers={"Authorization": f"Bearer {token}"})


MakeService = Callable[..., Service]


@pytest.fixture
def make_service(store: SqlStore, settings: Settings) -> MakeService:
    """Makes the app with these settings changed."""

    def make(keys: ApiKeys | None = None, **changed: object) -> Service:
        database, llm = database_of(store), ScriptedLLM("Pure ", "functions [1].")
        keys = keys or SqlApiKeys(database)
        ports = Ports(
            store=store,
            index=FixedIndex(hits(passage(1, "Reducers are pure."))),
            llm=llm,
            conversations=SqlConversations(database),
            records=SqlRecords(database),
            counters=SharedCounters(),
            api_keys=keys,
            identities=(KeyIdentities(keys),),
        )
        app = with_callers(create_app(settings.model_copy(update={"admin_token": SecretStr(ADMIN)} | changed), ports))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        return Service(httpx2.AsyncClient(transport=transport, base_url="http://lectern.test"), llm)

    return make


@pytest.fixture
def service(make_service: MakeService) -> Service:
    """The app as it is without limits."""
    return make_service()

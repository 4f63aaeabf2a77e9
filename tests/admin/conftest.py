"""The operator's app: real tables, a token, and whoever asks with it."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import insert, update
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of

from lectern.adapters.sql_models import ConversationRow, FeedbackRow
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_retention import SqlRetention
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports, Task, Turn

TOKEN = "operator-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

MakeApp = Callable[..., FastAPI]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a test has kept, to ask for."""

    store: SqlStore

    async def turn(self, principal: str | None = None, *, days_ago: float = 0, **fields: object) -> Turn:
        """Keep a turn of this principal."""
        turn = Turn(str(uuid4()), str(uuid4()), "Why?", "So.", "answered", datetime.now(UTC) - timedelta(days=days_ago))
        turn = replace(turn, **fields)  # type: ignore[arg-type] # fields of a turn
        await self.store.save_turn(turn)
        owned = update(ConversationRow).where(ConversationRow.id == UUID(turn.conversation_id))
        await database_of(self.store).run(lambda connection: connection.execute(owned.values(principal_id=principal)))
        return turn

    async def task(self, principal: str, title: str) -> Task:
        """Keep a task of this principal."""
        return await SqlTasks(database_of(self.store)).add(principal, title, most=100, key=title)

    async def rating(self, turn: Turn, rating: int, comment: str) -> None:
        """Keep feedback."""
        row = {"turn_id": UUID(turn.id), "rating": rating, "comment": comment, "created_at": datetime.now(UTC)}
        await database_of(self.store).run(lambda connection: connection.execute(insert(FeedbackRow), row))


@pytest.fixture
def kept(store: SqlStore) -> Kept:
    """Keeps things in the app's database."""
    return Kept(store)


@pytest.fixture
def make_app(store: SqlStore, settings: Settings) -> MakeApp:
    """Makes the app; its settings are the operator's with these changes."""

    def make(**changed: object) -> FastAPI:
        database = database_of(store)
        ports = Ports(
            store=store,
            index=FixedIndex(hits(passage(1))),
            llm=ScriptedLLM("So [1]."),
            records=SqlRecords(database),
            retention=SqlRetention(database),
            tasks=SqlTasks(database),
        )
        return create_app(settings.model_copy(update={"admin_token": SecretStr(TOKEN)} | changed), ports)

    return make


@pytest.fixture
async def operator(make_app: MakeApp) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """A client that shows the token."""
    async with client_of(make_app(), BEARER) as client:
        yield client


def client_of(app: FastAPI, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
    """A client of an app."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://lectern.test", headers=headers)


@pytest.fixture
def folder(settings: Settings) -> Path:
    """DATA_DIR."""
    return settings.data_dir

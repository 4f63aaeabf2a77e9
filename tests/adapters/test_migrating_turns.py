"""A database of the schema before turns said why they ended keeps all it has, on the way there and back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from tests.contracts.stores import a_turn
from tests.database_servers import Postgres
from tests.serving.servers import ROOT

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.ports import Turn

ASKED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TABLES = {"live_turns", "turn_events", "api_keys"}

OLD_CONVERSATION = text(
    "INSERT INTO conversations (id, principal_id, title, created_at, updated_at)"
    " VALUES (:conversation, 'user:anne', 'Why?', :at, :at)"
)
OLD_TURN = text(
    "INSERT INTO turns (id, conversation_id, question, context, answer, sources, tool_calls, outcome, degraded, usage,"
    " timings, created_at)"
    " VALUES (:turn, :conversation, 'Why?', '', 'So.', '[]', '[]', 'answered', '{}', '{}', '{}', :at)"
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"test_{uuid4().hex}"
    yield server.make(name)
    server.query(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """It, for what no port does."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def config(url: str) -> Config:
    """Alembic's configuration for it."""
    return Config(ROOT / "alembic.ini", attributes={"url": url})


def insert_old(connection: Connection) -> tuple[str, str]:
    """Keep a turn as the older version did; the ids of its conversation and of itself, as the port has them."""
    ids = uuid4(), uuid4()
    is_sqlite = connection.dialect.name == "sqlite"
    conversation, turn = (each.hex if is_sqlite else str(each) for each in ids)
    names = {"conversation": conversation, "turn": turn, "at": "2026-01-02 03:04:05.000000" if is_sqlite else ASKED}
    connection.execute(OLD_CONVERSATION, names)
    connection.execute(OLD_TURN, names)
    return str(ids[0]), str(ids[1])


async def test_what_was_kept_stays(url: str, engine: Engine) -> None:
    """Each turn is there with an end as most have, and a worker of the older version may go on saving meanwhile."""
    command.upgrade(config(url), "0003")
    with engine.begin() as connection:
        before = insert_old(connection)
        assert not TABLES & set(inspect(connection).get_table_names())
    migrate(url)
    with engine.begin() as connection:
        after = insert_old(connection)
        assert set(inspect(connection).get_table_names()) >= TABLES
    database = SqlDatabase(url)
    await database.warm()
    store = SqlStore(database)
    for conversation, turn in (before, after):
        kept = Turn(turn, conversation, "Why?", "So.", "answered", ASKED, finish="stop")
        assert await store.turn(turn, principal_id="user:anne") == kept
        later = a_turn(conversation, principal_id="user:anne", begins=False)
        await store.save_turn(later)
        assert [entry.finish for entry in await store.history(conversation, limit=9, principal_id="user:anne")] == [
            "stop",
            "length",
        ]
    await database.close()


async def test_the_way_back_keeps_turns(url: str, engine: Engine) -> None:
    """Only what the older version does not know goes: why turns ended, what is under way, keys."""
    migrate(url)
    turn = a_turn(str(uuid4()))
    store = SqlStore(SqlDatabase(url))
    await store.save_turn(turn)
    await store.close()
    command.downgrade(config(url), "0003")
    with engine.begin() as connection:
        assert connection.execute(text("SELECT question FROM turns")).scalar_one() == turn.question
        assert not TABLES & set(inspect(connection).get_table_names())
        assert "finish" not in {column["name"] for column in inspect(connection).get_columns("turns")}
        insert_old(connection)

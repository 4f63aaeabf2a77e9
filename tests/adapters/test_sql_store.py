"""What the SQL store promises beyond the contract: statements, errors, forks, cancellation."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import event, insert, make_url
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateTable
from tests.sql_parts import database_of

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_models import ConversationRow, title_of
from lectern.adapters.sql_schema import HEAD
from lectern.adapters.sql_statements import HISTORY, upserts
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tables import METADATA
from lectern.adapters.sql_types import Moment
from lectern.errors import StoreUnavailable
from lectern.ports import Turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A migrated SQLite file."""
    path = tmp_path / "lectern.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SqlStore, None]:
    """A store on it, with little patience."""
    store = SqlStore(SqlDatabase(f"sqlite:///{path}", pool_size=2, patience_seconds=0.2))
    yield store
    await store.close()


def a_turn(question: str = "What is a reducer?") -> Turn:
    """A first turn."""
    return Turn(str(uuid4()), str(uuid4()), question, "A function.", "answered", datetime.now(UTC))


def turns_in(path: Path) -> int:
    """How many turns the file holds, seen from outside."""
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM turns").fetchone()[0])
    finally:
        database.close()


async def test_statements_per_verb(store: SqlStore) -> None:
    """A save takes two statements, whether it begins a conversation or not; reading takes one, deleting two."""
    await store.warm()
    statements: list[str] = []
    event.listen(
        database_of(store)._engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    turn = a_turn()
    await store.save_turn(turn)
    assert len(statements) == 2
    await store.history(turn.conversation_id, limit=5)
    assert len(statements) == 3
    await store.save_turn(replace(turn, id=str(uuid4()), begins=False))
    assert len(statements) == 5
    await store.delete_conversation(turn.conversation_id)
    assert len(statements) == 7


async def test_the_statement_brings_nothing_of_anothers(store: SqlStore) -> None:
    """That a conversation is another's is told by one row, in which no column of a turn has a value."""
    turn = replace(a_turn("My secret?"), principal_id="user:anne")
    await store.save_turn(turn)
    names = {"conversation": UUID(turn.conversation_id), "turns": 5}
    for principal, brought in (("user:anne", "My secret?"), ("user:ben", None), (None, None)):
        with database_of(store)._engine.connect() as connection:
            rows = connection.execute(HISTORY, names | {"principal": principal}).all()
        assert [row.question for row in rows] == [brought]
        assert brought or set(rows[0]) == {False, None}


async def test_history_reads_through_the_index(path: Path, store: SqlStore) -> None:
    """Reading a conversation scans no table and sorts no whole conversation."""
    query = str(HISTORY.compile(dialect=database_of(store)._engine.dialect))
    database = sqlite3.connect(path)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}", ("x",) * query.count("?"))]
    database.close()
    assert any("ix_turns_conversation_id_created_at" in step for step in plan), plan
    assert not [step for step in plan if step.startswith(("SCAN turns", "SCAN conversations"))], plan


def test_making_a_store_opens_nothing(tmp_path: Path) -> None:
    """A store made before a fork has no connection to share."""
    store = SqlStore(SqlDatabase(f"sqlite:///{tmp_path / 'none.sqlite3'}"))
    assert not list(tmp_path.iterdir())
    pool = database_of(store)._engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedin() == 0


async def test_connections_are_set_up(store: SqlStore) -> None:
    """Readers do not wait for the writer, deletes reach the turns, a locked database is waited for."""
    with database_of(store)._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 200}


async def test_a_locked_database_is_unavailable_not_an_accident(path: Path, store: SqlStore) -> None:
    """A writer that holds the file past our patience gives a retryable error, and readers go on."""
    kept, turn = a_turn(), a_turn()
    await store.save_turn(kept)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as caught:
        await store.save_turn(turn)
    assert caught.value.retryable
    assert store.describe().state == "down"
    assert await store.history(kept.conversation_id, limit=1) == [kept]
    other.execute("ROLLBACK")
    other.close()
    await store.save_turn(turn)
    assert store.describe().state == "ok"


async def test_errors_hold_no_text_of_the_reader(path: Path, store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error, nor its cause, nor the log repeats what the reader wrote."""
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE turns")
    database.close()
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreUnavailable) as caught:
        await store.save_turn(a_turn("my secret question"))
    cause = caught.value.__cause__
    assert cause is not None
    assert "my secret question" not in f"{caught.value} {cause} {caplog.text}"
    assert "no such table" in caplog.text


async def test_an_outage_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A thousand readers who meet one outage make one line."""
    store = SqlStore(SqlDatabase(f"sqlite:///{tmp_path / 'missing' / 'x.sqlite3'}"))
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.history(str(uuid4()), limit=1)
    assert len([record for record in caplog.records if "not usable" in record.message]) == 1


@pytest.mark.parametrize(
    ("revision", "says"), [("0000", f"wants {HEAD}; run ./entrypoint.sh migrate"), ("9999", "newer"), (None, "migrate")]
)
async def test_warm_checks_the_schema(path: Path, store: SqlStore, revision: str | None, says: str) -> None:
    """A schema that is behind, ahead or missing is named with what to do, and the store says it is down."""
    database = sqlite3.connect(path)
    database.execute("DELETE FROM alembic_version")
    if revision:
        database.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    database.commit()
    database.close()
    with pytest.raises(StoreUnavailable):
        await store.warm()
    assert store.describe().state == "down"
    assert says in store.describe().note


async def test_warm_without_any_schema_says_what_to_run(tmp_path: Path) -> None:
    """An empty file is not mistaken for a database of ours."""
    store = SqlStore(SqlDatabase(f"sqlite:///{tmp_path / 'empty.sqlite3'}"))
    with pytest.raises(StoreUnavailable):
        await store.warm()
    await store.close()
    assert "./entrypoint.sh migrate" in store.describe().note


@pytest.fixture
def paused(store: SqlStore) -> tuple[threading.Event, threading.Event]:
    """A store whose saves stop before their second statement: an event says that, another lets them go on."""
    began, go_on = threading.Event(), threading.Event()

    def pause(*arguments: object) -> None:
        if "INSERT INTO turns" in str(arguments[2]):
            began.set()
            go_on.wait(10)

    event.listen(database_of(store)._engine, "before_cursor_execute", pause)
    return began, go_on


async def returned(store: SqlStore) -> None:
    """Wait until the pool has its connections back."""
    pool = database_of(store)._engine.pool
    assert isinstance(pool, QueuePool)
    with anyio.fail_after(10):
        while pool.checkedout():  # noqa: ASYNC110 - the pool has no event to wait for
            await anyio.sleep(0.01)


async def test_a_save_whose_task_is_cancelled_is_whole(
    path: Path, store: SqlStore, paused: tuple[threading.Event, threading.Event]
) -> None:
    """A task cancelled in the middle of its transaction leaves at once, and the transaction still ends whole."""
    began, go_on = paused
    task = asyncio.create_task(store.save_turn(a_turn()))
    await anyio.to_thread.run_sync(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await returned(store)
    assert turns_in(path) == 1


async def test_a_save_whose_scope_is_cancelled_is_whole(
    path: Path, store: SqlStore, paused: tuple[threading.Event, threading.Event]
) -> None:
    """A cancelled scope waits for the transaction that has begun, so its turn is whole and its connection back."""
    began, go_on = paused
    async with anyio.create_task_group() as group:
        group.start_soon(store.save_turn, a_turn())
        await anyio.to_thread.run_sync(began.wait, 10)
        group.cancel_scope.cancel()
        threading.Timer(0.05, go_on.set).start()
    assert turns_in(path) == 1
    await returned(store)


async def test_a_save_that_breaks_half_way_leaves_nothing(path: Path, store: SqlStore) -> None:
    """When the second statement fails, the first is undone."""
    database = sqlite3.connect(path)
    database.execute("CREATE TRIGGER no_turns BEFORE INSERT ON turns BEGIN SELECT RAISE(ABORT, 'full'); END")
    database.commit()
    with pytest.raises(StoreUnavailable):
        await store.save_turn(a_turn())
    assert database.execute("SELECT count(*) FROM conversations").fetchone() == (0,)
    database.close()


async def test_the_conversation_remembers_when_it_was_last_used(path: Path, store: SqlStore) -> None:
    """A later turn moves `updated_at`, an earlier one saved late does not, and the title stays the first question."""
    first = a_turn("First?")
    moments = [datetime(2026, 5, day, tzinfo=UTC) for day in (10, 20, 15)]
    for moment in moments:
        await store.save_turn(Turn(str(uuid4()), first.conversation_id, f"{moment.day}?", "", "answered", moment))
    database = sqlite3.connect(path)
    row = database.execute("SELECT title, created_at, updated_at FROM conversations").fetchone()
    database.close()
    assert (row[0], row[1][:10], row[2][:10]) == ("10?", "2026-05-10", "2026-05-20")


@pytest.mark.parametrize("begins", [True, False])
async def test_an_empty_title_waits_for_the_first_question(path: Path, store: SqlStore, *, begins: bool) -> None:
    """A conversation begun without a turn is named after its first question, and keeps that name."""
    turn = replace(a_turn("First?"), begins=begins)
    row = {"id": UUID(turn.conversation_id), "title": "", "created_at": turn.created_at, "updated_at": turn.created_at}
    await database_of(store).run(lambda connection: connection.execute(insert(ConversationRow), row))
    await store.save_turn(turn)
    await store.save_turn(replace(turn, id=str(uuid4()), question="Second?"))
    database = sqlite3.connect(path)
    assert database.execute("SELECT title FROM conversations").fetchall() == [("First?",)]
    database.close()


async def test_a_moment_needs_its_zone(store: SqlStore) -> None:
    """A naive datetime is a defect of the caller, not a guess about zones."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the defect under test
    with pytest.raises(ValueError, match="time zone"):
        Moment().process_bind_param(naive, database_of(store)._engine.dialect)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("  How\n do I\ttest? ", "How do I test?"),
        ("word " * 30, "word " * 15 + "word…"),
        ("x" * 200, "x" * 79 + "…"),
        ("", ""),
    ],
)
def test_titles(question: str, title: str) -> None:
    """A title is one line of at most 80 characters, cut at a word."""
    assert title_of(question) == title
    assert len(title) <= 80


def test_the_same_models_fit_postgres() -> None:
    """On Postgres ids are UUID, moments have a zone, JSON is JSONB, and a save is an upsert."""
    dialect = make_url("postgresql+psycopg2://").get_dialect()()
    ddl = "".join(str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables)
    assert "id UUID NOT NULL" in ddl
    assert "sources JSONB NOT NULL" in ddl
    assert "created_at TIMESTAMP WITH TIME ZONE NOT NULL" in ddl
    conversation, turn = (str(statement.compile(dialect=dialect)) for statement in upserts("postgresql"))
    assert "ON CONFLICT (id) DO UPDATE SET" in conversation
    assert "ON CONFLICT (id) DO UPDATE SET" in turn

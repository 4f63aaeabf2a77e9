"""What the SQL store promises on a real Postgres beyond the contract: limits, restarts, poolers, clean sessions."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import anyio
import psycopg2
import pytest
from sqlalchemy import Connection, event
from tests.database_servers import Postgres, running_pgbouncer, running_postgres
from tests.sql_parts import database_of

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_engine import RECYCLE_SECONDS, make_engine
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.errors import StoreUnavailable
from lectern.ports import Turn

MakeStore = Callable[..., SqlStore]


def a_turn(conversation: str | None = None) -> Turn:
    """A turn of a conversation, of a new one when none is given."""
    return Turn(str(uuid4()), conversation or str(uuid4()), "What?", "That.", "answered", datetime.now(UTC))


@pytest.fixture
def name() -> str:
    """A database of the test's own."""
    return f"test_{uuid4().hex}"


@pytest.fixture
def url(postgres: Postgres, name: str) -> str:
    """It, migrated."""
    url = postgres.make(name)
    migrate(url)
    return url


@pytest.fixture
async def make_store() -> AsyncGenerator[MakeStore, None]:
    """Makes stores and closes them."""
    stores: list[SqlStore] = []

    def make(url: str, **options: float) -> SqlStore:
        stores.append(SqlStore(SqlDatabase(url, **options)))  # type: ignore[arg-type] # the pool's size is an int among floats
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


async def test_nothing_is_left_on_the_session(postgres: Postgres, url: str, make_store: MakeStore) -> None:
    """A statement's limit holds inside its transaction only, the session keeps its own."""
    store = make_store(url, pool_size=1, patience_seconds=0.75)
    with database_of(store)._engine.begin() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "750ms"
    with closing(database_of(store)._engine.raw_connection()) as raw:
        cursor = raw.cursor()
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


async def test_a_slow_statement_is_ended(url: str, make_store: MakeStore) -> None:
    """The server ends it after the patience, the caller gets a retryable error, and the connection is free again."""
    store = make_store(url, pool_size=1, patience_seconds=0.2)
    with pytest.raises(StoreUnavailable):
        await database_of(store).run(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(20)"))
    assert "statement timeout" in store.describe().note
    await store.warm()
    assert store.describe().state == "ok"


async def test_a_server_that_never_answers_is_given_up(deaf: int, make_store: MakeStore) -> None:
    """A held line costs the connect time, not a thread for ever."""
    store = make_store(f"postgresql+psycopg2://u@127.0.0.1:{deaf}/x", connect_seconds=0.2, patience_seconds=0.1)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.warm()
    assert time.monotonic() - began < 11  # measured: 1.1 s, the client's limit for a statement
    assert "no answer" in store.describe().note


async def test_waiting_for_a_connection_has_an_end(url: str, make_store: MakeStore) -> None:
    """Who does not get one of the pool's connections in time is told so; who has one is not disturbed."""
    store = make_store(url, pool_size=1, patience_seconds=0.3)
    holding, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        holding.set()
        go_on.wait(10)

    async with anyio.create_task_group() as group:
        group.start_soon(database_of(store).run, hold)
        await anyio.to_thread.run_sync(holding.wait, 10)
        with pytest.raises(StoreUnavailable):
            await store.history(str(uuid4()), limit=1)
        assert "busy" in store.describe().note
        go_on.set()
    assert store.describe().state == "ok"


async def test_a_restart_is_not_noticed(make_store: MakeStore) -> None:
    """The next verb after a restart finds every socket dead and succeeds all the same."""
    with running_postgres() as server:
        migrate(server.url())
        store = make_store(server.url(), pool_size=3)
        turns = [a_turn() for _ in range(3)]
        async with anyio.create_task_group() as group:
            for turn in turns:
                group.start_soon(store.save_turn, turn)
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.save_turn(a_turn())
        server.start()
        for turn in turns:
            assert await store.history(turn.conversation_id, limit=1) == [turn]


async def test_a_connection_that_dies_in_a_verb_is_replaced(
    postgres: Postgres, name: str, url: str, make_store: MakeStore
) -> None:
    """A save whose connection is cut between its statements is done again, once, and whole."""
    store = make_store(url, pool_size=1)
    cuts: list[bool] = []

    def cut(*arguments: object) -> None:
        if "INSERT INTO turns" in str(arguments[2]) and not cuts:
            cuts.append(True)
            postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)

    event.listen(database_of(store)._engine, "before_cursor_execute", cut)
    turn = a_turn()
    await store.save_turn(turn)
    assert cuts
    assert await store.history(turn.conversation_id, limit=2) == [turn]


async def test_many_callers_share_one_connection_of_a_pooler(
    postgres: Postgres, url: str, make_store: MakeStore
) -> None:
    """Forty verbs from four connections through one of the pooler's all succeed."""
    with running_pgbouncer(postgres, connections=1) as port:
        store = make_store(url.replace(f":{postgres.port}/", f":{port}/"), pool_size=4)
        conversation = str(uuid4())
        async with anyio.create_task_group() as group:
            for _ in range(40):
                group.start_soon(store.save_turn, a_turn(conversation))
        assert len(await store.history(conversation, limit=100)) == 40


async def test_connections_say_who_they_are(postgres: Postgres, name: str, url: str, make_store: MakeStore) -> None:
    """The server's own list shows Lectern's connections, no more than the pool has."""
    store = make_store(url, pool_size=2)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(store.save_turn, a_turn())
    rows = postgres.query("SELECT application_name FROM pg_stat_activity WHERE datname = %s", name)
    assert set(rows) == {("lectern",)}
    assert len(rows) <= 2


def test_what_the_address_says_wins() -> None:
    """An operator's own limits and TLS reach libpq, ours fill in the rest; idle connections are tested and replaced."""
    engine = make_engine(
        "postgresql+psycopg2://u:p@host/db?connect_timeout=9&sslmode=require&application_name=mine",
        pool_size=2,
        patience_seconds=5,
        connect_seconds=5,
    )
    seen: dict[str, object] = {}

    def connect(_dialect: object, _record: object, _arguments: object, parameters: dict[str, object]) -> None:
        seen.update(parameters)
        raise psycopg2.OperationalError("not today")

    event.listen(engine, "do_connect", connect)
    with pytest.raises(Exception, match="not today"):
        engine.connect()
    given = {"connect_timeout": "9", "sslmode": "require", "application_name": "mine", "keepalives_idle": 30}
    assert given.items() <= seen.items()
    assert engine.pool._pre_ping
    assert engine.pool._recycle == RECYCLE_SECONDS < 300


async def test_errors_hold_no_text_of_the_reader(
    postgres: Postgres, name: str, url: str, make_store: MakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error, nor its cause, nor the log repeats a question or a password."""
    postgres.query("DROP TABLE turns CASCADE", database=name)
    store = make_store(url.replace("lectern@", "lectern:hunter2@"))
    turn = Turn(str(uuid4()), str(uuid4()), "my secret question", "", "answered", datetime.now(UTC))
    with pytest.raises(StoreUnavailable) as caught:
        await store.save_turn(turn)
    told = f"{caught.value} {caught.value.__cause__} {caplog.text} {store.describe()}"
    assert "my secret question" not in told
    assert "hunter2" not in told
    assert name in told


@pytest.mark.parametrize(("address", "imported"), [("sqlite:///x.sqlite3", "[]"), ("postgresql+psycopg2://h/d", "")])
def test_psycopg2_is_imported_for_postgres_only(address: str, imported: str) -> None:
    """A laptop's start does not pay for a driver that it does not use."""
    code = (
        "import sys; from lectern.adapters.sql_database import SqlDatabase; SqlDatabase(sys.argv[1]);"
        "print([name for name in ('psycopg2', 'alembic') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == (imported or "['psycopg2']")


async def test_warm_knows_a_missing_schema(postgres: Postgres, name: str, make_store: MakeStore) -> None:
    """A database without our tables is told from one that cannot be reached: only the first needs a migration."""
    store = make_store(postgres.make(name))
    with pytest.raises(StoreUnavailable):
        await store.warm()
    assert database_of(store).needs_migration
    migrate(postgres.url(name))
    await store.warm()
    assert not database_of(store).needs_migration
    unreachable = make_store("postgresql+psycopg2://u@127.0.0.1:9/x")
    with pytest.raises(StoreUnavailable):
        await unreachable.warm()
    assert not database_of(unreachable).needs_migration


async def test_a_deadlock_ends_well(postgres: Postgres, name: str, make_store: MakeStore) -> None:
    """Of two transactions that wait for each other, the one that has to give way is done again."""
    url = postgres.make(name)
    postgres.query("CREATE TABLE pair (id int PRIMARY KEY, changes int)", database=name)
    postgres.query("INSERT INTO pair VALUES (1, 0), (2, 0)", database=name)
    database = database_of(make_store(url, patience_seconds=30))
    met, tries = threading.Barrier(2), []

    def change(first: int, second: int) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            tries.append(first)
            connection.exec_driver_sql(f"UPDATE pair SET changes = changes + 1 WHERE id = {first}")
            if tries.count(first) == 1:
                met.wait(20)
            connection.exec_driver_sql(f"UPDATE pair SET changes = changes + 1 WHERE id = {second}")

        return work

    async with anyio.create_task_group() as group:
        group.start_soon(database.run, change(1, 2))
        group.start_soon(database.run, change(2, 1))
    assert postgres.query("SELECT changes FROM pair", database=name) == [(2,), (2,)]
    assert len(tries) == 3
    assert database.describe().state == "ok"

"""Tasks and rewritten pieces on a Postgres that fails in the middle: nothing is done twice, and nothing is lost."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import psycopg2
import pytest
from sqlalchemy import event
from tests.database_servers import Postgres, running_postgres

from lectern.adapters.guarded import GuardedDatabase
from lectern.adapters.guarded_rewrites import GuardedRewrites
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_rewrites import RENEW_AFTER, SqlRewrites
from lectern.adapters.sql_tasks import SqlTasks
from lectern.config import Settings
from lectern.errors import StoreUnavailable
from lectern.ports import Confirmation
from lectern.resilience import deadline
from lectern.wiring import build_ports
from lectern.wiring.guards import Guards

ME = "user:me"

Verb = Callable[[SqlTasks, SqlRewrites], Awaitable[Any]]
VERBS: dict[str, Verb] = {
    "add": lambda tasks, _: tasks.add(ME, "Bread", most=9),
    "listed": lambda tasks, _: tasks.listed(ME, limit=9),
    "get": lambda tasks, _: tasks.get(ME, 1),
    "update": lambda tasks, _: tasks.update(ME, [1], {"title": "Bread"}),
    "delete": lambda tasks, _: tasks.delete(ME, [1]),
    "delete_tasks_of": lambda tasks, _: tasks.delete_tasks_of(ME),
    "remembered": lambda tasks, _: tasks.remembered(ME, "write", limit=9),
    "begin_turn": lambda tasks, _: tasks.begin_turn(ME, "k", digest="d", seconds=9),
    "finish_turn": lambda tasks, _: tasks.finish_turn(ME, "k", {}),
    "release_turn": lambda tasks, _: tasks.release_turn(ME, "k"),
    "ask": lambda tasks, _: tasks.ask(ME, str(uuid4()), Confirmation(str(uuid4()), (), "?", datetime.now(UTC))),
    "asked": lambda tasks, _: tasks.asked(ME, str(uuid4())),
    "settle": lambda tasks, _: tasks.settle(ME, str(uuid4()), str(uuid4())),
    "kept": lambda _, rewrites: rewrites.kept(["key"]),
    "claim": lambda _, rewrites: rewrites.claim(["key"], holder="me", seconds=9),
    "keep": lambda _, rewrites: rewrites.keep({"key": "text"}),
    "release": lambda _, rewrites: rewrites.release(["key"], holder="me"),
}


@pytest.fixture
async def database(postgres: Postgres) -> AsyncGenerator[SqlDatabase, None]:
    """A database of the test's own on a real server."""
    name = f"test_{uuid4().hex}"
    url = postgres.make(name)
    migrate(url)
    database = SqlDatabase(url, pool_size=2)
    yield database
    await database.close()
    postgres.query(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["as it is", "behind its line"])
def breaking(request: pytest.FixtureRequest, database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The database; its next commit is done, and its connection gone before the server can say so."""
    dialect = database._engine.dialect
    commit = dialect.do_commit
    broken: list[bool] = []

    def commit_and_break(connection: Any) -> None:
        commit(connection)
        if not broken:
            broken.append(True)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", commit_and_break)
    if request.param == "as it is":
        return database
    return Guards(Settings(_env_file=None), None).database(database)


async def test_a_task_that_is_added_over_a_dying_connection_is_added_once(breaking: Any) -> None:
    """With a key or without: the second try finds what the first has done, and tells it."""
    task = await SqlTasks(breaking).add(ME, "Milk", most=9)
    assert await SqlTasks(breaking).listed(ME, limit=9) == [task]
    assert task.id == 1


async def test_a_turn_that_is_begun_over_a_dying_connection_is_begun(breaking: Any) -> None:
    """By this very call, and by nobody else."""
    tasks = SqlTasks(breaking)
    states = [(await tasks.begin_turn(ME, "k", digest="d", seconds=60)).state for _ in range(2)]
    assert states == ["mine", "running"]


async def test_a_key_that_is_claimed_over_a_dying_connection_is_claimed(breaking: Any) -> None:
    """By this very claim, and by nobody else."""
    rewrites = SqlRewrites(breaking)
    mine = [(await rewrites.claim(["key"], holder=holder, seconds=60)).mine for holder in ("me", "you")]
    assert mine == [{"key"}, set()]


@pytest.fixture(scope="module")
def down() -> str:
    """The address of a server that was there."""
    with running_postgres() as server:
        return server.url()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_database_that_is_down(down: str, tmp_path: Any, verb: str) -> None:
    """Each verb, as it is wired, says that a retry will do."""
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=down)
    ports = build_ports(settings, database_connections=2, search_threads=1)
    assert isinstance(ports.tasks, SqlTasks)
    assert isinstance(ports.tasks._database, GuardedDatabase)
    assert isinstance(ports.rewrites, GuardedRewrites)
    rewrites = cast("SqlRewrites", ports.rewrites)  # the same port
    with pytest.raises(StoreUnavailable):
        await VERBS[verb](ports.tasks, rewrites)
    await ports.store.close()


async def test_what_was_done_is_kept_however_late_it_is(database: SqlDatabase) -> None:
    """Nothing is begun for a request whose time is up, but its texts are kept, and its turn ends."""
    guarded = Guards(Settings(_env_file=None), None).database(database)
    tasks, rewrites = SqlTasks(guarded), SqlRewrites(guarded)
    await tasks.begin_turn(ME, "k", digest="d", seconds=60)
    await tasks.begin_turn(ME, "given up", digest="d", seconds=60)
    token = deadline.start(0)
    try:
        with pytest.raises(StoreUnavailable):
            await rewrites.claim(["other"], holder="me", seconds=60)
        await rewrites.keep({"key": "text"})
        await rewrites.release(["other"], holder="me")
        await tasks.finish_turn(ME, "k", {"text": "Done."})
        await tasks.release_turn(ME, "given up")
    finally:
        deadline.end(token)
    assert await rewrites.kept(["key"]) == {"key": "text"}
    assert (await tasks.begin_turn(ME, "k", digest="d", seconds=60)).state == "done"
    assert (await tasks.begin_turn(ME, "given up", digest="d", seconds=60)).state == "mine"


async def test_a_text_is_there_though_its_use_cannot_be_noted(
    database: SqlDatabase, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that can only be read, as one whose disk is full, still saves readers from waiting for a model."""
    rewrites = SqlRewrites(database)
    await rewrites.keep({"key": "text"})
    name = database._engine.url.database
    postgres.query("UPDATE rewrites SET used_at = now() - %s", 2 * RENEW_AFTER, database=str(name))
    event.listen(database._engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
    assert await rewrites.kept(["key"]) == {"key": "text"}
    with pytest.raises(StoreUnavailable):
        await rewrites.keep({"other": "text"})


async def test_many_who_want_the_same_in_any_order_wait_for_each_other(database: SqlDatabase) -> None:
    """Nobody is refused for a circle of locks: claims, texts and releases of the same keys at once all end."""
    rewrites = SqlRewrites(database)
    keys = [f"{number:064x}" for number in range(50)]
    work: list[Awaitable[object]] = []
    for number in range(10):
        order = keys[::-1] if number % 2 else keys
        work += [
            rewrites.claim(order, holder=f"{number}", seconds=60),
            rewrites.keep(dict.fromkeys(order[number * 2 :], "text")),
            rewrites.release(order, holder=f"{number}"),
        ]
    await asyncio.gather(*work)
    assert set(await rewrites.kept(keys)) == set(keys)

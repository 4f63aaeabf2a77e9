"""What a task, a turn of the assistant and the pieces of a chapter ask of the database, in one transaction each."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.counts.postgres_log import sent
from tests.database_servers import Postgres

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_rewrites import SqlRewrites
from lectern.adapters.sql_tasks import SqlTasks

ME: Final = "user:me"
KEYS: Final = [f"{number:064x}" for number in range(300)]
"""The pieces of a long chapter."""

TEXTS: Final = dict.fromkeys(KEYS, "text")

Verb = Callable[[SqlTasks, SqlRewrites], Awaitable[Any]]

MOST: Final[dict[str, tuple[int, Verb]]] = {
    "claim of a new chapter": (2, lambda _, rewrites: rewrites.claim(KEYS, holder="me", seconds=60)),
    "claim of one that others have": (3, lambda _, rewrites: rewrites.claim(KEYS, holder="you", seconds=60)),
    "texts of a chapter": (1, lambda _, rewrites: rewrites.keep(TEXTS)),
    "a chapter that is there": (1, lambda _, rewrites: rewrites.kept(KEYS)),
    "claim of one that is there": (1, lambda _, rewrites: rewrites.claim(KEYS, holder="you", seconds=60)),
    "release": (1, lambda _, rewrites: rewrites.release(KEYS, holder="me")),
    "add": (5, lambda tasks, _: tasks.add(ME, "Milk", most=9, key="k")),
    "add again": (2, lambda tasks, _: tasks.add(ME, "Milk", most=9, key="k")),
    "list": (1, lambda tasks, _: tasks.listed(ME, limit=9)),
    "change": (5, lambda tasks, _: tasks.update(ME, [1], {"title": "Tea"}, key="c")),
    "change without a key": (3, lambda tasks, _: tasks.update(ME, [1], {"title": "Salt"})),
    "change that is none": (2, lambda tasks, _: tasks.update(ME, [1], {"title": "Salt"})),
    "delete": (5, lambda tasks, _: tasks.delete(ME, [1], key="d")),
    "turn": (1, lambda tasks, _: tasks.begin_turn(ME, "t", digest="d", seconds=60)),
    "turn that runs": (2, lambda tasks, _: tasks.begin_turn(ME, "t", digest="d", seconds=60)),
    "end of a turn": (1, lambda tasks, _: tasks.finish_turn(ME, "t", {})),
}
"""Statements of each verb, in the order in which they are asked."""


async def test_each_verb_is_a_handful_of_statements(sqlite_database: SqlDatabase, database: Counter[str]) -> None:
    """In one transaction each, however many pieces a chapter has."""
    tasks, rewrites = SqlTasks(sqlite_database), SqlRewrites(sqlite_database)
    for name, (most, verb) in MOST.items():
        database.clear()
        await verb(tasks, rewrites)
        assert (name, +database) == (name, {"begin": 1, "execute": most, "commit": 1})


async def test_postgres_is_sent_no_more_than_that(postgres_database: SqlDatabase, postgres: Postgres) -> None:
    """By the server's own log: beside its statements a verb asks whether the connection lives, begins and ends."""
    tasks, rewrites = SqlTasks(postgres_database), SqlRewrites(postgres_database)
    _, end = sent(postgres)
    for name, (most, verb) in MOST.items():
        await verb(tasks, rewrites)
        trips, end = sent(postgres, end)
        assert (name, trips["COMMIT"], trips.total()) == (name, 1, most + len(("ping", "BEGIN", "SET", "COMMIT")))

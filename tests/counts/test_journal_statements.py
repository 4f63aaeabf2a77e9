"""What a turn that is written down asks of the database: a verb is one transaction of one or two statements."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

from tests.contracts.stores import a_turn
from tests.counts.postgres_log import sent
from tests.database_servers import Postgres

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_store import SqlStore
from lectern.ports import JournalHead

HEAD: Final = JournalHead(str(uuid4()), str(uuid4()), "user:me", "Why?")
TURN: Final = a_turn(str(uuid4()))
EVENTS: Final = [["delta", {"text": "word "}]] * 50
"""Half a second of a fast answer."""

Verb = Callable[[SqlJournal, SqlStore], Awaitable[Any]]

MOST: Final[dict[str, tuple[int, Verb]]] = {
    "claim": (1, lambda journal, _: journal.claim(HEAD, seconds=60)),
    "claim of what another has": (1, lambda journal, _: journal.claim(HEAD, seconds=60)),
    "first batch": (2, lambda journal, _: journal.append(HEAD, 1, EVENTS, seconds=60)),
    "later batch": (2, lambda journal, _: journal.append(HEAD, 2, EVENTS, seconds=60)),
    "a sign of life": (1, lambda journal, _: journal.append(HEAD, 3, [], seconds=60)),
    "read": (1, lambda journal, _: journal.read(HEAD.turn_id)),
    "read what is new": (1, lambda journal, _: journal.read(HEAD.turn_id, after=2)),
    "find": (1, lambda journal, _: journal.find(HEAD.conversation_id)),
    "wish": (1, lambda journal, _: journal.wish(HEAD.turn_id)),
    "stop": (1, lambda journal, _: journal.wish(HEAD.turn_id, stop=True)),
    "all of a person": (1, lambda journal, _: journal.held("user:me", limit=9)),
    "delete": (1, lambda journal, _: journal.delete(HEAD.turn_id)),
    "a batch of what was deleted": (1, lambda journal, _: journal.append(HEAD, 4, EVENTS, seconds=60)),
    "save": (2, lambda _, store: store.save_turn(TURN)),
    "a saved turn": (1, lambda _, store: store.turn(TURN.id)),
    "deletion of a conversation": (2, lambda _, store: store.delete_conversation(TURN.conversation_id)),
    "deletion of a person's": (2, lambda _, store: store.delete_conversations_of("user:me")),
}
"""Statements of each verb, in the order in which they are asked."""


async def test_each_verb_is_one_or_two_statements(sqlite_database: SqlDatabase, database: Counter[str]) -> None:
    """In one transaction each, however many events a batch has."""
    journal, store = SqlJournal(sqlite_database), SqlStore(sqlite_database)
    for name, (most, verb) in MOST.items():
        database.clear()
        await verb(journal, store)
        assert (name, +database) == (name, {"begin": 1, "execute": most, "commit": 1})


async def test_postgres_is_sent_no_more_than_that(postgres_database: SqlDatabase, postgres: Postgres) -> None:
    """By the server's own log: beside its statements a verb asks whether the connection lives, begins and ends."""
    journal, store = SqlJournal(postgres_database), SqlStore(postgres_database)
    _, end = sent(postgres)
    for name, (most, verb) in MOST.items():
        await verb(journal, store)
        trips, end = sent(postgres, end)
        assert (name, trips["COMMIT"], trips.total()) == (name, 1, most + len(("ping", "BEGIN", "SET", "COMMIT")))

"""What deleting leaves in SQLite's files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text
from tests.sql_parts import database_of

from lectern.adapters.sql_retention import SqlRetention
from lectern.adapters.sql_store import SqlStore
from lectern.ports import Turn

OLD = datetime(2026, 1, 1, tzinfo=UTC)


async def keep(store: SqlStore, word: str, at: datetime) -> str:
    """Keep a conversation of forty long turns that say this word; its id."""
    conversation = str(uuid4())
    for minute in range(40):
        said = f"{word} " * 200
        await store.save_turn(
            Turn(str(uuid4()), conversation, said, said, "answered", at + timedelta(minutes=minute), context=said)
        )
    return conversation


def held(folder: Path, word: str) -> bool:
    """Whether any of the database's files has the word."""
    return any(word.encode() in file.read_bytes() for file in folder.glob("lectern.sqlite3*"))


async def test_nothing_of_it_is_left_in_the_files(store: SqlStore, tmp_path: Path) -> None:
    """Deleted for its age, or by its reader: after the next run the text is nowhere, and what is kept still is."""
    await keep(store, "marzipan", OLD)
    asked_for = await keep(store, "truffle", OLD + timedelta(days=90))
    await keep(store, "nougat", OLD + timedelta(days=90))
    assert all(held(tmp_path, word) for word in ("marzipan", "truffle", "nougat"))
    retention = SqlRetention(database_of(store))
    assert await retention.expire_conversations(OLD + timedelta(days=90), anonymous=True, most=10) == 1
    await store.delete_conversation(asked_for)
    await retention.scrub()
    assert [held(tmp_path, word) for word in ("marzipan", "truffle", "nougat")] == [False, False, True]


async def test_what_is_freed_is_overwritten(store: SqlStore) -> None:
    """On every connection, however the system's SQLite was built."""
    secure = await database_of(store).run(lambda connection: connection.execute(text("PRAGMA secure_delete")).scalar())
    assert secure == 1

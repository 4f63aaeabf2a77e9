"""The store with an outbox: what readers and turns meet while the database is away, and when it comes back."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from sqlalchemy.exc import DataError

from lectern.adapters import outbox_store
from lectern.adapters.outbox_files import OutboxFiles
from lectern.adapters.outbox_store import OutboxStore
from lectern.errors import ConversationNotFound, StoreUnavailable, TurnNotFound
from lectern.ports import Part, State, Turn

pytestmark = pytest.mark.usefixtures("quick_outbox")

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Away:
    """A database in memory that can be away, hang, lack its schema, or refuse a turn for good."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.away = self.needs_migration = False
        self.hang: asyncio.Event | None = None
        self.refused: set[str] = set()
        self.asked = 0
        self._state: State = "unknown"

    async def _reach(self) -> None:
        self.asked += 1
        if self.hang is not None:
            await self.hang.wait()
        if self.away or self.needs_migration:
            self._state = "down"
            raise StoreUnavailable
        self._state = "ok"

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """As a store."""
        await self._reach()
        turns = [turn for turn in self.turns.values() if turn.conversation_id == conversation_id]
        if not turns:
            raise ConversationNotFound
        return sorted(turns, key=lambda turn: turn.created_at)[-limit:]

    async def turn(self, turn_id: str, *, principal_id: str | None = None) -> Turn:
        """As a store."""
        await self._reach()
        if (turn := self.turns.get(turn_id)) is None:
            raise TurnNotFound
        return turn

    async def delete_conversations_of(self, principal_id: str) -> int:
        """As a store."""
        await self._reach()
        mine = [turn.id for turn in self.turns.values() if turn.principal_id == principal_id]
        for turn in mine:
            del self.turns[turn]
        return len(mine)

    async def save_turn(self, turn: Turn) -> None:
        """As a store."""
        await self._reach()
        if turn.question == "odd" and "odd" in self.refused:
            raise StoreUnavailable
        if turn.question in self.refused:
            self._state = "down"
            raise StoreUnavailable from DataError("insert", None, ValueError("not storable"))
        self.turns.setdefault(turn.id, turn)

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """As a store."""
        await self._reach()
        gone = [turn.id for turn in self.turns.values() if turn.conversation_id == conversation_id]
        if not gone:
            raise ConversationNotFound
        for turn in gone:
            del self.turns[turn]

    def describe(self) -> Part:
        """As a store."""
        return Part("store", "Postgres", self._state, "host/db")

    def forget_connections(self) -> None:
        """As a store."""

    async def warm(self) -> None:
        """As a store."""
        await self._reach()

    async def close(self) -> None:
        """As a store."""


@pytest.fixture
def database() -> Away:
    """The database."""
    return Away()


@pytest.fixture
def files(tmp_path: Path) -> OutboxFiles:
    """The folder."""
    return OutboxFiles(tmp_path / "outbox", most_bytes=1_000_000)


@pytest.fixture
async def store(database: Away, files: OutboxFiles) -> AsyncGenerator[OutboxStore, None]:
    """The store under test."""
    store = OutboxStore(database, files, patience_seconds=0.1)
    yield store
    await store.close()


def a_turn(conversation: str | None = None, minute: int = 0, question: str = "What?") -> Turn:
    """A turn of a conversation, of a new one when none is given."""
    moment = START + timedelta(minutes=minute)
    return Turn(str(uuid4()), conversation or str(uuid4()), question, "That.", "answered", moment)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - folders, logs and states have no event
            await anyio.sleep(0.01)


async def emptied(files: OutboxFiles) -> None:
    """Wait until nothing waits."""
    await eventually(lambda: not files.entries())


async def test_turns_wait_and_are_written(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """While the database is away, saving succeeds; when it is back, every turn is written, without any request."""
    database.away = True
    turns = [a_turn(minute=minute) for minute in range(5)]
    for turn in turns:
        await store.save_turn(turn)
    assert len(files.entries()) == 5
    assert "5 turns wait to be written" in store.describe().note
    database.away = False
    await emptied(files)
    assert list(database.turns.values()) == turns
    await eventually(lambda: store.describe() == Part("store", "Postgres", "ok", "host/db"))


async def test_nothing_is_written_to_disk_while_it_is_there(files: OutboxFiles, store: OutboxStore) -> None:
    """A database that answers has every turn itself."""
    await store.save_turn(a_turn())
    assert not files.folder.exists()


async def test_readers_do_not_wait_for_a_database_that_is_down(database: Away, store: OutboxStore) -> None:
    """The first one meets the outage; the others are told at once, as only the tending task still asks."""
    database.hang = asyncio.Event()
    with pytest.raises(StoreUnavailable):
        await store.history(str(uuid4()), limit=3)
    asked = database.asked
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await store.history(str(uuid4()), limit=3)
    assert database.asked - asked <= 1
    database.hang.set()


async def test_a_database_that_may_be_waking_is_waited_for(
    database: Away, files: OutboxFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save did not want to wait for it, but who goes on with the conversation gets all of it once it is awake."""
    monkeypatch.setattr(outbox_store, "SAVE_SECONDS", 0.01)
    store = OutboxStore(database, files, patience_seconds=60)
    conversation = str(uuid4())
    kept, waits = a_turn(conversation), a_turn(conversation, minute=1)
    await store.save_turn(kept)
    database.hang = asyncio.Event()
    await store.save_turn(waits)
    reading = [asyncio.create_task(store.history(conversation, limit=5)) for _ in range(3)]
    await eventually(lambda: database.asked == 3)  # by the two saves and the tender
    reading[0].cancel()
    done, _ = await asyncio.wait(reading, timeout=0.1)
    assert done == {reading[0]}
    assert database.asked == 3
    database.hang.set()
    assert await asyncio.gather(*reading[1:]) == [[kept, waits]] * 2
    await store.close()


async def test_a_turn_is_waited_for_as_its_conversation(
    database: Away, files: OutboxFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes back for an answer while the database wakes gets it, without asking it once more each."""
    monkeypatch.setattr(outbox_store, "SAVE_SECONDS", 0.01)
    store = OutboxStore(database, files, patience_seconds=60)
    kept = a_turn()
    await store.save_turn(kept)
    database.hang = asyncio.Event()
    await store.save_turn(a_turn())
    reading = [asyncio.create_task(store.turn(kept.id)) for _ in range(3)]
    await eventually(lambda: database.asked == 3)  # by the two saves and the tender
    done, _ = await asyncio.wait(reading, timeout=0.1)
    assert (done, database.asked) == (set(), 3)
    database.hang.set()
    assert await asyncio.gather(*reading) == [kept] * 3
    await store.close()


async def test_a_database_that_hangs_is_not_waited_for(
    database: Away, files: OutboxFiles, store: OutboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer's end comes in time; the turn waits on the disk, and is in the database once when it wakes."""
    monkeypatch.setattr(outbox_store, "SAVE_SECONDS", 0.05)
    database.hang = asyncio.Event()
    turn = a_turn()
    with anyio.fail_after(5):
        await store.save_turn(turn)
    assert len(files.entries()) == 1
    database.hang.set()
    await emptied(files)
    assert database.turns == {turn.id: turn}


async def test_a_caller_that_leaves_takes_no_turn_along(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """A save whose caller is cancelled goes on to its end, in the database or on the disk."""
    database.hang = asyncio.Event()
    saving = asyncio.create_task(store.save_turn(a_turn()))
    await anyio.sleep(0.01)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    database.away = True
    database.hang.set()
    await eventually(files.entries)


async def test_history_has_what_waits(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """A conversation goes on while its last turns wait, with the database and without it."""
    conversation = str(uuid4())
    kept, waits = a_turn(conversation), a_turn(conversation, minute=1)
    await store.save_turn(kept)
    database.away = True
    await store.save_turn(waits)
    assert await store.history(conversation, limit=5) == [waits]
    with pytest.raises(StoreUnavailable):
        await store.history(str(uuid4()), limit=5)
    with files.alone():  # nobody writes it meanwhile
        database.away = False
        await eventually(lambda: store.describe().state == "ok" and not store._tender.down)
        assert await store.history(conversation, limit=5) == [kept, waits]
        assert await store.history(conversation, limit=1) == [waits]
        assert await store.history(conversation, limit=0) == []


async def test_a_conversation_that_only_waits_is_known(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """The database not knowing it yet is not the end of a conversation."""
    turn = a_turn()
    files.put(turn)
    with files.alone():
        assert await store.history(turn.conversation_id, limit=5) == [turn]
    with pytest.raises(ConversationNotFound):
        await store.history("no-uuid", limit=5)


async def test_deleting_takes_what_waits(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """A deleted conversation does not come back from the disk; while it is being written, a retry is asked for."""
    turn, other = a_turn(), a_turn()
    files.put(turn)
    files.put(other)
    with files.alone(), pytest.raises(StoreUnavailable):
        await store.delete_conversation(turn.conversation_id)
    await store.delete_conversation(turn.conversation_id)
    assert [str(entry.turn) for entry in files.entries()] == [other.id]
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(turn.conversation_id)


async def test_a_delete_that_fails_loses_nothing(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """Who is told that it could not be deleted can try again."""
    turn = a_turn()
    files.put(turn)
    database.away = True
    with pytest.raises(StoreUnavailable):
        await store.delete_conversation(turn.conversation_id)
    assert len(files.entries()) == 1


async def test_a_full_outbox_is_told(database: Away, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When there is no room, saving fails as without an outbox, and the log names the turn and the numbers."""
    database.away = True
    store = OutboxStore(database, OutboxFiles(tmp_path, most_bytes=0))
    turn = a_turn()
    with pytest.raises(StoreUnavailable):
        await store.save_turn(turn)
    await store.close()
    assert f"Turn {turn.id} is not kept" in caplog.text
    assert "0 bytes are allowed" in caplog.text


async def test_a_bad_file_holds_up_nobody(
    database: Away, files: OutboxFiles, store: OutboxStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged turn, and one that the database will never take, are set aside by name; the rest is written."""
    database.refused = {"never"}
    for minute, question in enumerate(("damaged", "never", "fine")):
        files.put(a_turn(minute=minute, question=question))
    (files.folder / files.entries()[0].name).write_bytes(b"damaged")
    names = [entry.name for entry in files.entries()[:2]]
    with pytest.raises(ConversationNotFound):
        await store.history(str(uuid4()), limit=1)
    await store.warm()
    await emptied(files)
    assert [turn.question for turn in database.turns.values()] == ["fine"]
    assert sorted(path.name for path in files.aside.iterdir()) == names
    assert all(name in caplog.text for name in names)


async def test_an_odd_turn_holds_up_nobody(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """A turn that fails while the database is there is tried again later, and the database is not taken for down."""
    database.refused = {"odd"}
    files.put(a_turn(question="odd"))
    files.put(a_turn(minute=1, question="fine"))
    await store.warm()
    await eventually(lambda: [turn.question for turn in database.turns.values()] == ["fine"])
    await store.save_turn(a_turn(minute=2, question="new"))
    assert len(database.turns) == 2
    assert len(files.entries()) == 1
    database.refused = set()
    await emptied(files)


async def test_another_worker_may_have_it(database: Away, files: OutboxFiles, store: OutboxStore) -> None:
    """While one worker holds the outbox, the others leave it alone; when it dies, another one writes."""
    files.put(a_turn())
    with files.alone():
        await store.warm()
        await anyio.sleep(0.2)  # several looks
        assert len(files.entries()) == 1
    await emptied(files)
    assert len(database.turns) == 1


async def test_a_start_without_database_heals_itself(database: Away, store: OutboxStore) -> None:
    """A store that was down when it was warmed is up again without anybody asking for a conversation."""
    database.away = True
    with pytest.raises(StoreUnavailable):
        await store.warm()
    assert store.describe().state == "down"
    database.away = False
    await eventually(lambda: store.describe().state == "ok")


async def test_a_missing_schema_is_made(database: Away, files: OutboxFiles) -> None:
    """A database that came up empty after the server is migrated, and then has the turns that waited."""
    database.needs_migration = True

    async def migrate() -> None:
        database.needs_migration = False

    store = OutboxStore(database, files, migrate=migrate, needs_migration=lambda: database.needs_migration)
    turn = a_turn()
    await store.save_turn(turn)
    await emptied(files)
    await store.close()
    assert database.turns == {turn.id: turn}


async def test_an_outage_is_logged_once(
    database: Away, files: OutboxFiles, store: OutboxStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Many turns that wait make one line, and one says that they were written."""
    database.away = True
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            await store.save_turn(a_turn())
        database.away = False
        await emptied(files)
        await eventually(lambda: "turns that waited are written" in caplog.text)
    assert len([record for record in caplog.records if "turns wait in" in record.message]) == 1

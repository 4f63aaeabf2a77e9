"""Whose the turns are that wait in the outbox, and what becomes of those of somebody who may not."""

import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import anyio
import pytest
from sqlalchemy import Connection
from tests.contracts.stores import a_turn

from lectern.adapters.outbox_entries import entry_of, owner_mark
from lectern.adapters.outbox_files import OutboxFiles
from lectern.adapters.outbox_store import OutboxStore
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.errors import ConversationNotFound, Forbidden, StoreUnavailable, TurnNotFound
from lectern.ports import Turn

pytestmark = pytest.mark.usefixtures("quick_outbox")

ANNE, BEN, VISITOR, STRANGER = "user:anne", "account:ben", "visitor:one", "visitor:two"

Result = TypeVar("Result")


class Switched(SqlDatabase):
    """A real database that can be switched off."""

    off = False

    async def run(
        self, work: Callable[[Connection], Result], *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """As the database, unless it is off."""
        if self.off:
            raise StoreUnavailable
        return await super().run(work, writes=writes, again=again, hint=hint)


@pytest.fixture
def database(tmp_path: Path) -> Switched:
    """The database, migrated and on."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    return Switched(url)


@pytest.fixture
def files(tmp_path: Path) -> OutboxFiles:
    """The folder."""
    return OutboxFiles(tmp_path / "outbox", most_bytes=1_000_000)


@pytest.fixture
async def store(database: Switched, files: OutboxFiles) -> AsyncGenerator[OutboxStore, None]:
    """The store under test."""
    store = OutboxStore(SqlStore(database), files, patience_seconds=0.05)
    yield store
    await store.close()


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - folders and states have no event
            await anyio.sleep(0.01)


async def back(database: Switched, store: OutboxStore) -> None:
    """Switch the database on and wait until the store has seen it."""
    database.off = False
    await store.warm()
    await eventually(lambda: not store._tender.down)


async def written(database: Switched, files: OutboxFiles, store: OutboxStore) -> None:
    """Switch the database on and wait until nothing waits."""
    await back(database, store)
    await eventually(lambda: not files.entries())


async def begun(store: OutboxStore, principal_id: str | None) -> str:
    """A conversation of somebody's with one turn."""
    conversation = str(uuid4())
    await store.save_turn(a_turn(conversation, question="First?", principal_id=principal_id))
    return conversation


async def go_on(store: OutboxStore, conversation: str, principal_id: str | None, minute: int = 1) -> Turn:
    """Keep a later turn."""
    turn = a_turn(conversation, minute, f"By {principal_id}?", principal_id=principal_id, begins=False)
    await store.save_turn(turn)
    return turn


async def questions(store: OutboxStore, conversation: str, principal_id: str | None) -> list[str]:
    """What was asked in a conversation, as this one may read it."""
    return [turn.question for turn in await store.history(conversation, limit=9, principal_id=principal_id)]


async def test_what_waited_is_still_its_owners(database: Switched, files: OutboxFiles, store: OutboxStore) -> None:
    """A turn keeps its principal on the disk, so the conversation it makes is that one's."""
    database.off = True
    conversation = await begun(store, ANNE)
    await written(database, files, store)
    assert await questions(store, conversation, ANNE) == ["First?"]
    with pytest.raises(Forbidden):
        await store.history(conversation, limit=1, principal_id=VISITOR)


async def test_turns_of_an_older_version_are_nobodys(
    database: Switched, files: OutboxFiles, store: OutboxStore
) -> None:
    """A file without a principal or a finish, under a name without one, is read and written as before."""
    turn = replace(a_turn(str(uuid4()), question="Old?"), finish="stop")
    files.put(turn)
    [entry] = files.entries()
    body = json.loads((files.folder / entry.name).read_bytes().partition(b"\n")[2])
    del body["principal_id"], body["begins"], body["finish"]
    data = json.dumps(body).encode()
    name = entry.name.replace(".0.", ".")
    (files.folder / name).write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    (files.folder / entry.name).unlink()
    [old] = files.entries()
    assert (old.name, old.is_anonymous, old.turn) == (name, True, UUID(turn.id))
    assert files.read(old) == turn
    await written(database, files, store)
    assert await questions(store, turn.conversation_id, None) == ["Old?"]


async def test_while_the_database_is_off_nothing_of_anothers_is_read(database: Switched, store: OutboxStore) -> None:
    """What waits of somebody who could sign in is shown to that one only; whose the rest is cannot be told now."""
    database.off = True
    conversation = await begun(store, VISITOR)
    await go_on(store, conversation, ANNE)
    assert await questions(store, conversation, ANNE) == ["First?", "By user:anne?"]
    for other in (BEN, VISITOR, STRANGER, None):
        with pytest.raises(StoreUnavailable):
            await store.history(conversation, limit=9, principal_id=other)


async def test_a_turn_that_waits_is_found(database: Switched, files: OutboxFiles, store: OutboxStore) -> None:
    """By who asked it, while the database is off and when it is back and does not know it yet; others find nothing."""
    database.off = True
    turn = a_turn(str(uuid4()), principal_id=ANNE)
    await store.save_turn(turn)
    assert await store.turn(turn.id.upper(), principal_id=ANNE) == turn
    for other in (BEN, VISITOR, None):
        with pytest.raises(StoreUnavailable):  # whose it is in the database cannot be told now
            await store.turn(turn.id, principal_id=other)
    with files.alone():
        await back(database, store)
        assert await store.turn(turn.id, principal_id=ANNE) == turn
        for other in (BEN, VISITOR, None):
            with pytest.raises(TurnNotFound):
                await store.turn(turn.id, principal_id=other)
    await written(database, files, store)
    assert (await store.turn(turn.id, principal_id=ANNE)).answer == turn.answer


@pytest.mark.parametrize("owner", [VISITOR, None])
async def test_an_anonymous_turn_that_waits(files: OutboxFiles, store: OutboxStore, owner: str | None) -> None:
    """Whoever knows its id reads it, unless somebody who waits behind it takes its conversation along."""
    turn = a_turn(str(uuid4()), principal_id=owner)
    with files.alone():
        files.put(turn)
        for reader in (VISITOR, STRANGER, ANNE, None):
            assert (await store.turn(turn.id, principal_id=reader)).id == turn.id
        files.put(a_turn(turn.conversation_id, 1, principal_id=ANNE, begins=False))
        assert (await store.turn(turn.id, principal_id=ANNE)).id == turn.id
        for reader in (VISITOR, STRANGER, BEN, None):
            with pytest.raises(TurnNotFound):
                await store.turn(turn.id, principal_id=reader)


async def test_an_intruder_that_waits_hides_nothing(files: OutboxFiles, store: OutboxStore) -> None:
    """A turn of another's that came first takes nobody's own turn away, and is its asker's only."""
    conversation = await begun(store, ANNE)
    bens, hers = (a_turn(conversation, minute, principal_id=who, begins=False) for minute, who in ((1, BEN), (2, ANNE)))
    with files.alone():
        files.put(bens)
        files.put(hers)
        assert (await store.turn(hers.id, principal_id=ANNE)).id == hers.id
        with pytest.raises(TurnNotFound):
            await store.turn(bens.id, principal_id=ANNE)


@pytest.mark.parametrize("what", ["set aside", "damaged"])
async def test_what_is_no_answer_any_more(files: OutboxFiles, store: OutboxStore, what: str) -> None:
    """It is for the operator to look at: no turn that a reader could get."""
    turn = a_turn(str(uuid4()), principal_id=ANNE)
    with files.alone():
        files.put(turn)
        [entry] = files.entries()
        if what == "damaged":
            (files.folder / entry.name).write_bytes(b"damaged")
        else:
            files.set_aside(entry)
        with pytest.raises(TurnNotFound):
            await store.turn(turn.id, principal_id=ANNE)


async def test_what_only_waits_is_refused_to_others(files: OutboxFiles, store: OutboxStore) -> None:
    """A database that is there and does not know the conversation leaves it to who asked first."""
    files.put(a_turn(conversation := str(uuid4()), question="First?", principal_id=ANNE))
    with files.alone():  # nobody writes it meanwhile
        assert await questions(store, conversation, ANNE) == ["First?"]
        with pytest.raises(Forbidden):
            await store.history(conversation, limit=9, principal_id=BEN)
    with pytest.raises(Forbidden):
        await store.delete_conversation(conversation, principal_id=BEN)
    assert len(files.entries()) == 1
    await store.delete_conversation(conversation, principal_id=ANNE)
    assert files.entries() == []


async def test_a_claim_that_waits_hides_its_turns(files: OutboxFiles, store: OutboxStore) -> None:
    """Until it is written, others who know the conversation's id read what they could, and not the new turn."""
    conversation = await begun(store, VISITOR)
    with files.alone():
        files.put(a_turn(conversation, 1, "Hers?", principal_id=ANNE, begins=False))
        assert await questions(store, conversation, VISITOR) == ["First?"]
        assert await questions(store, conversation, ANNE) == ["First?", "Hers?"]


async def test_an_intruders_turn_locks_nobody_out(
    database: Switched, files: OutboxFiles, store: OutboxStore, caplog: pytest.LogCaptureFixture
) -> None:
    """What another left in a conversation during an outage is not shown, refused when it is written, and set aside."""
    conversation = await begun(store, ANNE)
    database.off = True
    await go_on(store, conversation, BEN)
    with files.alone():
        await back(database, store)
        assert await questions(store, conversation, ANNE) == ["First?"]
    await written(database, files, store)
    assert await questions(store, conversation, ANNE) == ["First?"]
    [aside] = files.aside.iterdir()
    assert aside.name in caplog.text
    assert "Forbidden" in caplog.text
    assert "By account:ben" not in caplog.text


async def test_a_visitor_who_signs_in_during_an_outage(
    database: Switched, files: OutboxFiles, store: OutboxStore
) -> None:
    """Turns are written in their order, so the conversation is made, then claimed, and nothing is refused."""
    database.off = True
    conversation = await begun(store, VISITOR)
    await go_on(store, conversation, ANNE)
    await written(database, files, store)
    assert await questions(store, conversation, ANNE) == ["First?", "By user:anne?"]
    assert not files.aside.exists()
    with pytest.raises(Forbidden):
        await store.history(conversation, limit=1, principal_id=VISITOR)


async def test_a_turn_waits_behind_those_of_its_conversation(
    database: Switched, files: OutboxFiles, store: OutboxStore
) -> None:
    """A later turn does not overtake the one that makes its conversation, though the database is back."""
    database.off = True
    conversation = await begun(store, VISITOR)
    with files.alone() as alone:
        assert alone
        await back(database, store)
        await go_on(store, conversation, ANNE)
        other = await begun(store, BEN)
        assert len(files.entries()) == 2
        assert await questions(store, other, BEN) == ["First?"]
    await written(database, files, store)
    assert await questions(store, conversation, ANNE) == ["First?", "By user:anne?"]


async def test_a_turn_of_a_deleted_conversation_is_dropped(
    database: Switched, files: OutboxFiles, store: OutboxStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A later turn that waited neither brings its conversation back nor stays on the disk."""
    conversation = await begun(store, ANNE)
    turn = a_turn(conversation, 1, "Late?", principal_id=ANNE, begins=False)
    await SqlStore(database).delete_conversation(conversation, principal_id=ANNE)
    with caplog.at_level(logging.INFO):
        files.put(turn)
        await written(database, files, store)
    assert f"Turn {turn.id}, which waited, is dropped" in caplog.text
    assert list(files.folder.rglob("*.turn")) == []
    with pytest.raises(ConversationNotFound):
        await store.history(conversation, limit=1, principal_id=ANNE)


async def test_deleting_a_person_takes_what_waits(database: Switched, files: OutboxFiles, store: OutboxStore) -> None:
    """Nothing of it comes back from the disk, also what it took over from a visitor or was set aside; others' stays."""
    kept = await begun(store, ANNE)
    files.put(a_turn(claimed := str(uuid4()), question="Anonymous?", principal_id=VISITOR))
    files.put(a_turn(claimed, 1, principal_id=ANNE, begins=False))
    files.put(a_turn(visitors := str(uuid4()), question="A visitor's?", principal_id=VISITOR))
    files.put(a_turn(bens := str(uuid4()), question="His?", principal_id=BEN))
    files.put(a_turn(damaged := str(uuid4()), principal_id=ANNE))
    [entry] = [entry for entry in files.entries() if entry.conversation == UUID(damaged)]
    files.set_aside(entry)
    with files.alone(), pytest.raises(StoreUnavailable):  # who writes them now would bring them back
        await store.delete_conversations_of(ANNE)
    assert await store.delete_conversations_of(ANNE) == 1
    assert list(files.aside.iterdir()) == []
    await written(database, files, store)
    for gone in (kept, claimed, damaged):
        with pytest.raises(ConversationNotFound):
            await store.history(gone, limit=1, principal_id=ANNE)
    assert await questions(store, visitors, VISITOR) == ["A visitor's?"]
    assert await questions(store, bens, BEN) == ["His?"]


async def test_a_deletion_that_fails_loses_nothing(database: Switched, files: OutboxFiles, store: OutboxStore) -> None:
    """Who is told that it could not be deleted can try again."""
    files.put(a_turn(str(uuid4()), principal_id=ANNE))
    database.off = True
    with pytest.raises(StoreUnavailable):
        await store.delete_conversations_of(ANNE)
    assert len(files.entries()) == 1


async def test_a_conversation_is_deleted_where_it_was_set_aside(files: OutboxFiles, store: OutboxStore) -> None:
    """What could not be written is deleted with its conversation, by its owner only."""
    files.put(a_turn(conversation := str(uuid4()), principal_id=ANNE))
    files.set_aside(files.entries()[0])
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(conversation, principal_id=BEN)
    assert len(files.all_entries()) == 1
    await store.delete_conversation(conversation, principal_id=ANNE)
    assert files.all_entries() == []


@pytest.mark.parametrize("principal_id", [None, ANNE, VISITOR, "user:" + "x" * 250, "user:a/../b.turn", "user:\udc80"])
def test_a_name_tells_nobody_whose_it_is(files: OutboxFiles, principal_id: str | None) -> None:
    """The owner stands in a file's name as a digest; it can be looked for, not read."""
    files.put(a_turn(str(uuid4()), principal_id=principal_id))
    [entry] = files.entries()
    assert entry.owner == owner_mark(principal_id)
    assert entry_of(entry.name) == entry
    assert principal_id is None or principal_id.partition(":")[2] not in entry.name
    assert entry.is_anonymous == (principal_id in {None, VISITOR})

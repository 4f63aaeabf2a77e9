"""What becomes of turns under way when their conversation, or all of a person, is exported, counted or deleted."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.contracts.journals import batches, head_of, said
from tests.contracts.stores import a_turn

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_store import SqlStore
from lectern.errors import ConversationNotFound, Forbidden
from lectern.ports import Journal, JournalHead, Person, Store, Wishes

LOST = Wishes(stop=True, lost=True)
VISITOR, STRANGER = "visitor:1", "visitor:2"


@pytest.fixture
def store(database: SqlDatabase) -> Store:
    """Conversations in a database of each kind."""
    return SqlStore(database)


@pytest.fixture
def worker(database: SqlDatabase) -> Callable[[], Journal]:
    """Makes a worker's own port over the same database."""
    return lambda: SqlJournal(database)


async def begun(journal: Journal, principal_id: str | None, conversation: str | None = None) -> JournalHead:
    """A turn of somebody's that is under way, with a word of its answer."""
    head = head_of(principal_id=principal_id, conversation_id=conversation or str(uuid4()))
    await journal.append(head, 1, said("So"), seconds=60)
    return head


async def converse(store: Store, principal_id: str | None) -> str:
    """A conversation of somebody's with a turn that is over."""
    turn = a_turn(str(uuid4()), principal_id=principal_id)
    await store.save_turn(turn)
    return turn.conversation_id


async def test_a_deleted_conversation_takes_what_is_under_way(
    store: Store, worker: Callable[[], Journal], me: str
) -> None:
    """Its owner is told with its next word, and writes nothing more; others' turns go on."""
    owner, reader = worker(), worker()
    conversation = await converse(store, me)
    mine, kept = await begun(owner, me, conversation), await begun(owner, me)
    await store.delete_conversation(conversation, principal_id=me)
    assert await reader.read(mine.turn_id) is None
    assert await owner.append(mine, 2, said(" it"), seconds=60) == LOST
    assert await owner.append(kept, 2, said(" it"), seconds=60) == Wishes()
    assert await reader.read(mine.turn_id) is None


async def test_a_claim_comes_not_back(store: Store, worker: Callable[[], Journal], me: str) -> None:
    """A turn that was only claimed is as lost as one that has begun to speak."""
    owner = worker()
    conversation = await converse(store, me)
    head = head_of(principal_id=me, conversation_id=conversation)
    assert await owner.claim(head, seconds=60)
    await store.delete_conversation(conversation, principal_id=me)
    assert await owner.append(head, 1, said("So"), seconds=60) == LOST
    assert await owner.read(head.turn_id) is None


async def test_a_conversation_that_is_only_under_way_is_deleted(
    store: Store, worker: Callable[[], Journal], me: str
) -> None:
    """Its first turn is all that is known of it: once, by who asked."""
    owner = worker()
    head = await begun(owner, me)
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(head.conversation_id, principal_id=f"{me}0")
    assert await batches(owner, head) == [(1, said("So"))]
    await store.delete_conversation(head.conversation_id, principal_id=me)
    assert await owner.read(head.turn_id) is None
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(head.conversation_id, principal_id=me)


async def test_another_deletes_nothing(store: Store, worker: Callable[[], Journal], me: str) -> None:
    """Who is refused the conversation leaves what is under way in it, also what nobody known asked."""
    owner = worker()
    conversation = await converse(store, me)
    heads = [await begun(owner, who, conversation) for who in (me, VISITOR, None)]
    for other in (f"{me}0", VISITOR, None):
        with pytest.raises(Forbidden):
            await store.delete_conversation(conversation, principal_id=other)
    for head in heads:
        assert await batches(owner, head) == [(1, said("So"))]


async def test_an_anonymous_one_is_for_who_knows_its_id(store: Store, worker: Callable[[], Journal]) -> None:
    """As its conversation is; what somebody who signed in asks in it meanwhile is that one's."""
    owner = worker()
    conversation = await converse(store, VISITOR)
    anonymous, hers = await begun(owner, VISITOR, conversation), await begun(owner, "user:anne", conversation)
    await store.delete_conversation(conversation, principal_id=STRANGER)
    assert await owner.read(anonymous.turn_id) is None
    assert await batches(owner, hers) == [(1, said("So"))]


async def test_all_of_a_principals_go_at_once(store: Store, worker: Callable[[], Journal], me: str) -> None:
    """Its turns wherever they are, and what it asked as a visitor in what is its own now; nobody else's."""
    owner = worker()
    conversation = await converse(store, me)
    gone = [await begun(owner, me), await begun(owner, me, conversation), await begun(owner, VISITOR, conversation)]
    kept = [await begun(owner, f"{me}0"), await begun(owner, VISITOR), await begun(owner, None)]
    assert await store.delete_conversations_of(me) == 1
    for head in gone:
        assert await owner.append(head, 2, said(" it"), seconds=60) == LOST
        assert await owner.read(head.turn_id) is None
    for head in kept:
        assert await batches(owner, head) == [(1, said("So"))]
    assert await store.delete_conversations_of(me) == 0


async def test_deletions_and_words_race(store: Store, worker: Callable[[], Journal], me: str) -> None:
    """Whoever is first, in whatever order they lock: none fails, and nothing is left."""
    owner = worker()
    for _ in range(5):
        conversation = await converse(store, me)
        heads = [await begun(owner, me, conversation) for _ in range(3)]
        words = [owner.append(head, number, said("x"), seconds=60) for head in heads for number in (2, 3)]
        deletions = [store.delete_conversation(conversation, principal_id=me), store.delete_conversations_of(me)]
        done = await asyncio.gather(*words, *deletions, return_exceptions=True)
        assert {type(each) for each in done} <= {Wishes, type(None), int, ConversationNotFound}
        assert [await owner.read(head.turn_id) for head in heads] == [None] * 3


async def test_what_is_held_of_a_person(worker: Callable[[], Journal], me: str) -> None:
    """All of its turns, dead ones and those without a word included, in pages; nobody else's."""
    owner = worker()
    heads = [head_of(f"Question {number}?", principal_id=me) for number in range(5)]
    for number, head in enumerate(heads):
        for batch in range(1, number + 1):
            await owner.append(head, batch, said(f"{batch}"), seconds=0)
        await owner.append(head, number + 1, [], seconds=0)
    await begun(owner, f"{me}0")
    pages = [await worker().held(me, limit=2)]
    while len(pages[-1]) == 2:
        pages.append(await worker().held(me, after=pages[-1][-1].head.turn_id, limit=2))
    found = [entry for page in pages for entry in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {entry.head.question: list(entry.batches) for entry in found} == {
        head.question: [(batch, said(f"{batch}")) for batch in range(1, number + 1)]
        for number, head in enumerate(heads)
    }
    assert all(entry.created_at <= datetime.now(UTC) for entry in found)


async def test_who_only_asked_something_is_known(
    database: SqlDatabase, worker: Callable[[], Journal], store: Store, me: str
) -> None:
    """A turn under way is something that is kept, until it is deleted."""
    records = SqlRecords(database)
    for _ in range(2):
        await begun(worker(), me)
    assert await records.person(me) == Person(me, live_turns=2)
    assert (await records.person(me)).is_known
    await store.delete_conversations_of(me)
    assert not (await records.person(me)).is_known

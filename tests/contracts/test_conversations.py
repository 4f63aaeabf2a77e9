"""The contract of every `Conversations`: whose a conversation is holds in each verb, on whichever database."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from tests.conversation_rows import a_turn, ratings, spoken
from tests.sql_parts import database_of

from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_store import SqlStore
from lectern.errors import ConversationNotFound, Forbidden, StoreUnavailable, TurnNotFound
from lectern.ports import Conversation, Conversations, Feedback, Turn

UNKNOWN = [str(UUID(int=1)), "no-uuid", "", "'; DROP TABLE turns; --", "\x00", "\ud800", "1" * 100_000]

Verb = Callable[[Conversations, Turn, str], Awaitable[Any]]

VERBS: dict[str, Verb] = {
    "read": lambda port, turn, who: port.read(turn.conversation_id, principal_id=who, limit=5),
    "rename": lambda port, turn, who: port.rename(turn.conversation_id, "Taken over", principal_id=who),
    "rate": lambda port, turn, who: port.rate(Feedback(turn.id, -1, "Taken over"), principal_id=who),
}


@pytest.fixture
def store(database: SqlDatabase) -> SqlStore:
    """A store, to talk with; each test has principals of its own."""
    return SqlStore(database)


@pytest.fixture
def conversations(store: SqlStore) -> SqlConversations:
    """The port over the store's database."""
    return SqlConversations(database_of(store))


def asked(turn: Turn) -> tuple[str, str, datetime]:
    """What tells turns of one conversation apart, and that they came back whole."""
    return turn.id, turn.question, turn.created_at


async def test_a_new_conversation_is_listed(conversations: Conversations, me: str) -> None:
    """What is begun comes back in the list as it was, with its owner and no turns."""
    begun = await conversations.start(me, "  Reducers 🦊 ")
    assert begun == Conversation(begun.id, me, "  Reducers 🦊 ", begun.created_at, begun.created_at, turns=0)
    assert abs(datetime.now(UTC) - begun.created_at) < timedelta(minutes=1)
    assert await conversations.owned_by(me, limit=9, offset=0) == [begun]


async def test_a_conversation_is_read_with_its_turns(store: SqlStore, conversations: Conversations, me: str) -> None:
    """Turns come oldest first with every field; the last use and the count follow them."""
    begun = await conversations.start(me, "Reducers")
    turns = [replace(a_turn(begun.id, who=me), created_at=begun.created_at + timedelta(days=day)) for day in (1, 2, 3)]
    for turn in (turns[1], turns[0], turns[2]):
        await store.save_turn(turn)
    conversation, kept = await conversations.read(begun.id, principal_id=me, limit=9)
    assert conversation == replace(begun, updated_at=turns[2].created_at, turns=3)
    assert [replace(turn, principal_id=me) for turn in kept] == turns


async def test_a_conversation_is_read_in_pages(store: SqlStore, conversations: Conversations, me: str) -> None:
    """The limit leaves the oldest out, the offset the newest; the count is of all."""
    begun = await conversations.start(me, "")
    turns = [a_turn(begun.id, minute, who=me) for minute in range(5)]
    for turn in turns:
        await store.save_turn(turn)

    async def page(limit: int, offset: int) -> list[tuple[str, str, datetime]]:
        conversation, kept = await conversations.read(begun.id, principal_id=me, limit=limit, offset=offset)
        assert conversation.turns == 5
        return [asked(turn) for turn in kept]

    whole = [asked(turn) for turn in turns]
    assert await page(2, 0) == whole[3:]
    assert await page(2, 2) == whole[1:3]
    assert await page(2, 4) == whole[:1]
    assert await page(2, 6) == []


async def test_a_conversation_without_turns_is_read(conversations: Conversations, me: str) -> None:
    """One that was only begun is known, and empty."""
    begun = await conversations.start(me, "")
    assert await conversations.read(begun.id, principal_id=me, limit=9) == (begun, [])


async def test_the_last_used_comes_first(store: SqlStore, conversations: Conversations, me: str) -> None:
    """A turn brings its conversation to the top; pages neither overlap nor leave out."""
    begun = [await conversations.start(me, f"{number}") for number in range(5)]
    later = replace(a_turn(begun[1].id, who=me), created_at=datetime.now(UTC) + timedelta(hours=1))
    await store.save_turn(later)
    listed = [one.id for one in await conversations.owned_by(me, limit=9, offset=0)]
    assert listed[0] == begun[1].id
    assert set(listed) == {one.id for one in begun}
    pages = [await conversations.owned_by(me, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [one.id for page in pages for one in page] == listed
    assert [len(page) for page in pages] == [2, 2, 1, 0]


async def test_lists_are_apart(store: SqlStore, conversations: Conversations, me: str) -> None:
    """Neither another's, nor a visitor's, nor nobody's, nor those of the same subject of another kind are listed."""
    for owner in (f"user:{uuid4()}", me.replace("user:", "account:"), me.upper(), f"visitor:{me[5:]}", None):
        await spoken(store, owner)
    assert await conversations.owned_by(me, limit=9, offset=0) == []
    assert await conversations.owned_by("user:%", limit=9, offset=0) == []


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("owner", ["user:another", "account:x", "visitors:x", "VISITOR:x", "operator:"])
async def test_anothers_is_forbidden(
    store: SqlStore, conversations: Conversations, me: str, verb: str, owner: str
) -> None:
    """What somebody owns who could sign in is refused to everybody else, visitors and nobody included, and stays so."""
    turn = await spoken(store, owner)
    for who in (me, "visitor:x", "", "account:", f"{owner}x", "user:%"):
        with pytest.raises(Forbidden):
            await VERBS[verb](conversations, turn, who)
    conversation, kept = await conversations.read(turn.conversation_id, principal_id=owner, limit=5)
    assert (conversation.title, conversation.principal_id) == (turn.question, owner)
    assert [asked(one) for one in kept] == [asked(turn)]
    assert await ratings(store, turn) == []


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("owner", [None, "visitor:x", "visitor:"])
async def test_nobodys_is_for_whoever_knows_its_id(
    store: SqlStore, conversations: Conversations, me: str, verb: str, owner: str | None
) -> None:
    """A conversation of a visitor or of nobody is reached by another visitor and by a user, and stays whose it is."""
    turn = await spoken(store, owner)
    for who in (me, "visitor:y"):
        await VERBS[verb](conversations, turn, who)
    conversation, _ = await conversations.read(turn.conversation_id, principal_id=me, limit=5)
    assert conversation.principal_id == owner


@pytest.mark.parametrize("name", UNKNOWN, ids=range(len(UNKNOWN)))
async def test_what_is_not_there_is_not_found(conversations: Conversations, me: str, name: str) -> None:
    """An id that names nothing is a clean error of each verb, whatever text it is."""
    with pytest.raises(ConversationNotFound):
        await conversations.read(name, principal_id=me, limit=5)
    with pytest.raises(ConversationNotFound):
        await conversations.rename(name, "Name", principal_id=me)
    with pytest.raises(TurnNotFound):
        await conversations.rate(Feedback(name, 1), principal_id=me)


async def test_the_last_rating_counts(store: SqlStore, conversations: Conversations, me: str) -> None:
    """A second thought replaces the first, its comment included, and touches no other turn's."""
    turn, other = await spoken(store, me), await spoken(store, me)
    await conversations.rate(Feedback(other.id, 1, "Fine."), principal_id=me)
    await conversations.rate(Feedback(turn.id, 1, "Good\x00 🦊"), principal_id=me)
    assert await ratings(store, turn) == [(1, "Good\ufffd 🦊")]
    await conversations.rate(Feedback(turn.id, -1), principal_id=me)
    assert await ratings(store, turn) == [(-1, "")]
    assert await ratings(store, other) == [(1, "Fine.")]


async def test_ratings_race(store: SqlStore, conversations: Conversations, me: str) -> None:
    """Ratings of one turn at the same moment leave one of them."""
    turn = await spoken(store, me)
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(
                lambda comment: conversations.rate(Feedback(turn.id, 1, comment), principal_id=me), f"{number}"
            )
    assert len(await ratings(store, turn)) == 1


async def test_a_rating_goes_with_its_conversation(store: SqlStore, conversations: Conversations, me: str) -> None:
    """Deleting a conversation leaves no feedback behind."""
    turn = await spoken(store, me)
    await conversations.rate(Feedback(turn.id, 1), principal_id=me)
    await store.delete_conversation(turn.conversation_id, principal_id=me)
    assert await ratings(store, turn) == []
    with pytest.raises(TurnNotFound):
        await conversations.rate(Feedback(turn.id, 1), principal_id=me)


@pytest.mark.parametrize(
    "title", ["سوال کیا ہے؟ 🦊", "'; DROP TABLE turns; --", "x" * 100_000, "%s :name {}", "<script>", "مل‌خ", "a\u0301"]
)
async def test_any_title_is_kept(conversations: Conversations, me: str, title: str) -> None:
    """Titles are values, never parts of a statement; renaming does not count as use."""
    begun = await conversations.start(me, title)
    assert (await conversations.owned_by(me, limit=1, offset=0))[0].title == title
    await conversations.rename(begun.id, f"{title}!", principal_id=me)
    assert await conversations.owned_by(me, limit=1, offset=0) == [replace(begun, title=f"{title}!")]


async def test_a_title_that_a_database_refuses_is_made_storable(conversations: Conversations, me: str) -> None:
    """NUL and lone surrogates never make a verb fail."""
    begun = await conversations.start(me, "a\x00b")
    assert (await conversations.owned_by(me, limit=1, offset=0))[0].title == "a\ufffdb"
    await conversations.rename(begun.id, "c\ud800d", principal_id=me)
    assert (await conversations.owned_by(me, limit=1, offset=0))[0].title == "c?d"


async def test_a_visitor_who_signs_in_keeps_its_conversations(
    store: SqlStore, conversations: Conversations, me: str
) -> None:
    """All of that visitor's, and nobody else's, become the user's; a second time there is nothing left to claim."""
    visitor = f"visitor:{uuid4()}"
    mine = [await spoken(store, visitor) for _ in range(3)]
    others = [await spoken(store, owner) for owner in (f"visitor:{uuid4()}", f"{visitor}x", None, "account:x")]
    assert await conversations.claim(visitor, me) == 3
    assert await conversations.claim(visitor, me) == 0
    listed = {one.id for one in await conversations.owned_by(me, limit=9, offset=0)}
    assert listed == {turn.conversation_id for turn in mine}
    with pytest.raises(Forbidden):
        await conversations.read(mine[0].conversation_id, principal_id=visitor, limit=1)
    for turn in others[:3]:
        conversation, _ = await conversations.read(turn.conversation_id, principal_id="visitor:y", limit=1)
        assert conversation.principal_id != me


@pytest.mark.parametrize(
    ("visitor", "who"), [("user:x", "user:y"), ("account:x", "user:y"), ("visitor:x", "visitor:y")]
)
async def test_only_a_visitors_may_be_claimed(conversations: Conversations, visitor: str, who: str) -> None:
    """Nobody takes over what somebody else owns who could sign in, whatever a caller does wrong."""
    with pytest.raises(ValueError, match="visitor"):
        await conversations.claim(visitor, who)


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path, me: str) -> None:
    """Every verb says so with the one retryable error."""
    conversations = SqlConversations(SqlDatabase(f"sqlite:///{tmp_path / 'none' / 'x.sqlite3'}", patience_seconds=0.1))
    turn = a_turn(str(uuid4()))
    for verb in (
        conversations.owned_by(me, limit=1, offset=0),
        conversations.start(me, ""),
        conversations.claim("visitor:x", me),
        *(verb(conversations, turn, me) for verb in VERBS.values()),
    ):
        with pytest.raises(StoreUnavailable):
            await verb

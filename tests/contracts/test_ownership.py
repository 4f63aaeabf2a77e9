"""Whose a conversation is, in every `Store`: who may read, go on with and delete it, and how it changes hands."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from tests.contracts.stores import STORES, a_turn, opened

from lectern.errors import ConversationNotFound, Forbidden, TurnNotFound
from lectern.ports import Store

ANNE, BEN, OPERATOR = "user:anne", "account:ben", "operator:admin"
VISITOR, STRANGER, NOBODY = "visitor:1", "visitor:2", None

Verb = Callable[[Store, str, str | None], Awaitable[object]]


async def read(store: Store, conversation: str, principal_id: str | None) -> object:
    """Ask for its turns."""
    return await store.history(conversation, limit=9, principal_id=principal_id)


async def read_nothing(store: Store, conversation: str, principal_id: str | None) -> object:
    """Ask whether it is there."""
    return await store.history(conversation, limit=0, principal_id=principal_id)


async def begin(store: Store, conversation: str, principal_id: str | None) -> None:
    """Keep a turn as if it were the first."""
    await store.save_turn(a_turn(conversation, 9, "Mine?", principal_id=principal_id))


async def go_on(store: Store, conversation: str, principal_id: str | None) -> None:
    """Keep a later turn."""
    await store.save_turn(a_turn(conversation, 9, "Mine?", principal_id=principal_id, begins=False))


async def delete(store: Store, conversation: str, principal_id: str | None) -> None:
    """Delete it."""
    await store.delete_conversation(conversation, principal_id=principal_id)


VERBS: tuple[Verb, ...] = (read, read_nothing, begin, go_on, delete)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store, None]:
    """A store of each kind."""
    async with opened(request.param, request, tmp_path) as store:
        yield store


async def questions(store: Store, conversation: str, principal_id: str | None) -> list[str]:
    """What was asked in a conversation, as this one may read it."""
    return [turn.question for turn in await store.history(conversation, limit=9, principal_id=principal_id)]


async def begun(store: Store, principal_id: str | None) -> str:
    """A conversation of somebody's with one turn."""
    conversation = str(uuid4())
    await store.save_turn(a_turn(conversation, question="First?", principal_id=principal_id))
    return conversation


OTHERS = (BEN, VISITOR, NOBODY, "user:anne2", "user:Anne", "User:anne", "", "%")


@pytest.mark.parametrize(("owner", "others"), [(ANNE, (OPERATOR, *OTHERS)), (OPERATOR, (ANNE, *OTHERS))])
@pytest.mark.parametrize("verb", VERBS)
async def test_another_can_do_nothing(store: Store, verb: Verb, owner: str, others: tuple[str | None, ...]) -> None:
    """Every verb with another's id is refused, nothing of it is told, and it stays as it was."""
    conversation = await begun(store, owner)
    for other in others:
        with pytest.raises(Forbidden) as caught:
            await verb(store, conversation, other)
        assert "First" not in str(caught.value)
    assert await questions(store, conversation, owner) == ["First?"]


@pytest.mark.parametrize(("owner", "others"), [(ANNE, (OPERATOR, *OTHERS)), (OPERATOR, (ANNE, *OTHERS))])
async def test_another_finds_no_turn(store: Store, owner: str, others: tuple[str | None, ...]) -> None:
    """To all but its owner it is as one that is not there."""
    turn = a_turn(str(uuid4()), principal_id=owner)
    await store.save_turn(turn)
    for other in others:
        with pytest.raises(TurnNotFound):
            await store.turn(turn.id, principal_id=other)
    assert (await store.turn(turn.id, principal_id=owner)).question == turn.question


@pytest.mark.parametrize("owner", [VISITOR, NOBODY])
async def test_an_anonymous_turn_is_its_conversations(store: Store, owner: str | None) -> None:
    """Whoever knows its id reads it, until somebody takes its conversation along: then that one only."""
    turn = a_turn(str(uuid4()), principal_id=owner)
    await store.save_turn(turn)
    for other in (ANNE, STRANGER, NOBODY):
        assert (await store.turn(turn.id, principal_id=other)).id == turn.id
    await go_on(store, turn.conversation_id, ANNE)
    assert (await store.turn(turn.id, principal_id=ANNE)).id == turn.id
    for other in (owner, BEN):
        with pytest.raises(TurnNotFound):
            await store.turn(turn.id, principal_id=other)


@pytest.mark.parametrize("owner", [ANNE, BEN, OPERATOR, VISITOR, NOBODY])
async def test_the_owner_can_do_everything(store: Store, owner: str | None) -> None:
    """Who began a conversation reads, goes on and deletes."""
    conversation = await begun(store, owner)
    await go_on(store, conversation, owner)
    assert await questions(store, conversation, owner) == ["First?", "Mine?"]
    await store.delete_conversation(conversation, principal_id=owner)
    with pytest.raises(ConversationNotFound):
        await store.history(conversation, limit=1, principal_id=owner)


@pytest.mark.parametrize("owner", [VISITOR, NOBODY])
@pytest.mark.parametrize("other", [ANNE, STRANGER, NOBODY])
async def test_an_anonymous_conversation_is_for_who_knows_its_id(
    store: Store, owner: str | None, other: str | None
) -> None:
    """Whoever has its id reads it, and deletes it."""
    conversation = await begun(store, owner)
    assert await questions(store, conversation, other) == ["First?"]
    await store.delete_conversation(conversation, principal_id=other)
    with pytest.raises(ConversationNotFound):
        await store.history(conversation, limit=1, principal_id=owner)


async def test_a_name_like_a_visitors_is_not_one(store: Store) -> None:
    """Only the very prefix makes an owner anonymous, in its own case and with its colon."""
    for owner in ("Visitor:1", "visitor", "visitors:1", "user:visitor:1"):
        conversation = await begun(store, owner)
        with pytest.raises(Forbidden):
            await store.history(conversation, limit=1, principal_id=VISITOR)


@pytest.mark.parametrize("verb", [begin, go_on])
@pytest.mark.parametrize("owner", [VISITOR, NOBODY])
async def test_who_signs_in_takes_the_conversation_along(store: Store, verb: Verb, owner: str | None) -> None:
    """Going on with an anonymous conversation makes it an account's or user's, with its earlier turns; once."""
    conversation = await begun(store, owner)
    await verb(store, conversation, ANNE)
    assert await questions(store, conversation, ANNE) == ["First?", "Mine?"]
    for other in (owner, BEN):
        with pytest.raises(Forbidden):
            await store.history(conversation, limit=9, principal_id=other)


async def test_a_visitor_without_its_cookie_takes_nothing_along(store: Store) -> None:
    """A stranger who goes on with a visitor's conversation leaves it that visitor's: its deletion takes all of it."""
    owner = f"visitor:{uuid4()}"
    conversation = await begun(store, owner)
    await go_on(store, conversation, STRANGER)
    assert await questions(store, conversation, owner) == ["First?", "Mine?"]
    assert await store.delete_conversations_of(owner) == 1
    with pytest.raises(ConversationNotFound):
        await store.history(conversation, limit=1, principal_id=STRANGER)


@pytest.mark.parametrize("verb", [begin, go_on])
async def test_of_two_who_claim_at_once_one_wins(store: Store, verb: Verb) -> None:
    """Whoever comes second of many is refused and nothing of it is kept, however close they are."""
    claimants = [f"user:{number}" for number in range(6)]
    for _ in range(5):
        conversation = await begun(store, VISITOR)
        outcomes = await asyncio.gather(
            *(verb(store, conversation, claimant) for claimant in claimants), return_exceptions=True
        )
        [winner] = [one for one, outcome in zip(claimants, outcomes, strict=True) if outcome is None]
        assert [type(outcome) for outcome in outcomes if outcome is not None] == [Forbidden] * 5
        assert await questions(store, conversation, winner) == ["First?", "Mine?"]


async def test_of_two_who_begin_at_once_one_wins(store: Store) -> None:
    """One id begun by two at the same moment is one's; the other is refused and nothing of it is kept."""
    for _ in range(5):
        conversation = str(uuid4())
        outcomes = await asyncio.gather(
            begin(store, conversation, ANNE), begin(store, conversation, BEN), return_exceptions=True
        )
        winner, loser = (ANNE, BEN) if outcomes[0] is None else (BEN, ANNE)
        assert {type(outcome) for outcome in outcomes} == {type(None), Forbidden}
        assert await questions(store, conversation, winner) == ["Mine?"]
        with pytest.raises(Forbidden):
            await store.history(conversation, limit=9, principal_id=loser)


@pytest.mark.parametrize("principal_id", [ANNE, VISITOR, NOBODY])
async def test_a_later_turn_brings_no_conversation_back(store: Store, principal_id: str | None) -> None:
    """A turn that was under way while its conversation was deleted is refused, and the conversation stays deleted."""
    conversation = await begun(store, principal_id)
    await store.delete_conversation(conversation, principal_id=principal_id)
    with pytest.raises(ConversationNotFound):
        await go_on(store, conversation, principal_id)
    with pytest.raises(ConversationNotFound):
        await store.history(conversation, limit=1, principal_id=principal_id)


async def test_a_delete_and_a_later_turn_race(store: Store) -> None:
    """Whichever is first, a deleted conversation is gone in the end."""
    for _ in range(10):
        conversation = await begun(store, ANNE)
        deleted, _ = await asyncio.gather(
            delete(store, conversation, ANNE), go_on(store, conversation, ANNE), return_exceptions=True
        )
        assert deleted is None
        with pytest.raises(ConversationNotFound):
            await store.history(conversation, limit=1, principal_id=ANNE)


async def test_all_of_a_principals_go_at_once(store: Store) -> None:
    """Deleting what somebody has takes every conversation of its own, and nobody else's."""
    anne, ben = f"user:{uuid4()}", f"user:{uuid4()}"
    hers = [await begun(store, anne), await begun(store, VISITOR)]
    await go_on(store, hers[1], anne)
    his = await begun(store, ben)
    assert await store.delete_conversations_of(anne) == 2
    assert await store.delete_conversations_of(anne) == 0
    for conversation in hers:
        with pytest.raises(ConversationNotFound):
            await store.history(conversation, limit=1, principal_id=anne)
    assert await questions(store, his, ben) == ["First?"]

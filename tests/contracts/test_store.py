"""The contract of every `Store`: what the pipeline may rely on, whichever database stands behind it."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import pytest
from tests.contracts.stores import START, STORES, a_turn, opened

from lectern.adapters.sql_models import TurnRow
from lectern.errors import ConversationNotFound, LecternError, TurnNotFound
from lectern.ports import Store, Turn

LATER = START + timedelta(minutes=1)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store, None]:
    """A store of each kind."""
    async with opened(request.param, request, tmp_path) as store:
        yield store


async def test_a_saved_turn_comes_back_unchanged(store: Store) -> None:
    """Every field survives, the time zone included."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    assert await store.history(turn.conversation_id, limit=5) == [turn]


async def test_a_turn_is_found_by_its_id(store: Store) -> None:
    """With every field, however its id is written, and wherever in its conversation it stands."""
    conversation = str(uuid4())
    turns = [a_turn(conversation, minute) for minute in range(3)]
    for turn in turns:
        await store.save_turn(turn)
    for turn in turns:
        for name in (turn.id, turn.id.upper(), UUID(turn.id).hex):
            assert await store.turn(name) == turn


@pytest.mark.parametrize("name", [str(UUID(int=1)), "no-uuid", "", "'; DROP TABLE turns; --", "\x00", "é" * 300])
async def test_an_unknown_turn_is_not_found(store: Store, name: str) -> None:
    """An id that names nothing is a clean error, whatever text it is; that of a conversation is no turn's."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    for unknown in (name, turn.conversation_id):
        with pytest.raises(TurnNotFound):
            await store.turn(unknown)


async def test_a_deleted_turn_is_not_found(store: Store) -> None:
    """It goes with its conversation."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    await store.delete_conversation(turn.conversation_id)
    with pytest.raises(TurnNotFound):
        await store.turn(turn.id)


@pytest.mark.parametrize("finish", ["stop", "length", "filtered", "stopped", "abandoned", "shutting_down", "x" * 40])
async def test_why_a_turn_ended_is_kept(store: Store, finish: str) -> None:
    """Whatever ended it; there is room for each error's code."""
    turn = replace(a_turn(str(uuid4())), finish=finish)
    await store.save_turn(turn)
    assert (await store.turn(turn.id)).finish == finish


def test_each_errors_code_has_room() -> None:
    """A turn that failed is kept with the code of its error."""
    kinds: list[type[LecternError]] = [LecternError]
    for kind in kinds:  # it grows underway
        kinds += kind.__subclasses__()
    assert len(kinds) > 20
    assert max(len(kind.code) for kind in kinds) <= TurnRow.finish.type.length


async def test_moments_come_back_in_utc(store: Store) -> None:
    """A moment given in another zone is the same moment, in UTC."""
    turn = replace(a_turn(str(uuid4())), created_at=START.astimezone(timezone(timedelta(hours=5))))
    await store.save_turn(turn)
    [kept] = await store.history(turn.conversation_id, limit=1)
    assert kept.created_at == START
    assert kept.created_at.utcoffset() == timedelta(0)


async def test_history_is_the_last_turns_oldest_first(store: Store) -> None:
    """The limit drops the oldest turns, whatever order they were saved in."""
    conversation = str(uuid4())
    turns = [a_turn(conversation, minute) for minute in range(4)]
    for index in (2, 0, 3, 1):
        await store.save_turn(turns[index])
    assert await store.history(conversation, limit=3) == turns[1:]


async def test_history_of_nothing_asked_for_is_empty(store: Store) -> None:
    """A limit of zero gives no turns and still knows the conversation."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    assert await store.history(turn.conversation_id, limit=0) == []


async def test_conversations_are_apart(store: Store) -> None:
    """A turn is seen in its own conversation only."""
    one, other = a_turn(str(uuid4())), a_turn(str(uuid4()))
    await store.save_turn(one)
    await store.save_turn(other)
    assert await store.history(one.conversation_id, limit=9) == [one]


@pytest.mark.parametrize("name", [str(UUID(int=1)), "no-uuid", "", "'; DROP TABLE turns; --", "\x00"])
async def test_an_unknown_conversation_is_not_found(store: Store, name: str) -> None:
    """An id that names nothing is a clean error for reading and for deleting, whatever text it is."""
    with pytest.raises(ConversationNotFound):
        await store.history(name, limit=5)
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(name)


async def test_saving_again_changes_nothing(store: Store) -> None:
    """A turn that is saved twice is kept once, as it was first."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    await store.save_turn(turn)
    await store.save_turn(replace(turn, answer="Something else."))
    assert await store.history(turn.conversation_id, limit=5) == [turn]


async def test_a_lost_turn_is_found_again(store: Store) -> None:
    """What was taken for dead, and has come to its end all the same, is kept whole, whichever is written first."""
    turn = a_turn(str(uuid4()))
    lost = Turn(turn.id, turn.conversation_id, turn.question, "A func", "cancelled", LATER, finish="turn_lost")
    await store.save_turn(lost)
    assert await store.turn(turn.id) == lost
    await store.save_turn(turn)
    await store.save_turn(lost)
    await store.save_turn(replace(turn, answer="Something else."))
    assert await store.history(turn.conversation_id, limit=5) == [turn]


async def test_a_lost_turn_is_found_in_its_conversation_only(store: Store) -> None:
    """The same id in another one says nothing of it."""
    lost = replace(a_turn(str(uuid4())), finish="turn_lost")
    await store.save_turn(lost)
    await store.save_turn(replace(lost, conversation_id=str(uuid4()), answer="Else", finish="stop"))
    assert await store.turn(lost.id) == lost


async def test_two_first_turns_race(store: Store) -> None:
    """First turns of one conversation saved at the same moment are all kept."""
    conversation = str(uuid4())
    turns = [a_turn(conversation, minute) for minute in range(8)]
    async with anyio.create_task_group() as group:
        for turn in turns:
            group.start_soon(store.save_turn, turn)
    assert await store.history(conversation, limit=10) == turns


async def test_a_deleted_conversation_is_gone(store: Store) -> None:
    """Deleting takes all its turns, leaves others alone, and is not found the second time."""
    gone, kept = a_turn(str(uuid4())), a_turn(str(uuid4()))
    await store.save_turn(gone)
    await store.save_turn(kept)
    await store.delete_conversation(gone.conversation_id)
    with pytest.raises(ConversationNotFound):
        await store.history(gone.conversation_id, limit=5)
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation(gone.conversation_id)
    assert await store.history(kept.conversation_id, limit=5) == [kept]


@pytest.mark.parametrize("text", ["سوال کیا ہے؟ 🦊", "'; DROP TABLE turns; --", "x" * 100_000, "%s :name {}", ""])
async def test_any_text_is_kept(store: Store, text: str) -> None:
    """Texts are values, never parts of a statement."""
    turn = replace(a_turn(str(uuid4()), question=text), answer=text, context=text, sources=({"quote": text},))
    await store.save_turn(turn)
    assert await store.history(turn.conversation_id, limit=1) == [turn]


async def test_what_a_database_refuses_is_replaced(store: Store) -> None:
    """NUL, lone surrogates and NaN never make a save fail; the text around them is kept."""
    turn = replace(
        a_turn(str(uuid4()), question="a\x00b"),
        answer="c\ud800d",
        sources=({"quote": "e\x00f\udfff", "score": float("nan"), "deep": [{"g\x00": "h"}]},),
    )
    await store.save_turn(turn)
    [kept] = await store.history(turn.conversation_id, limit=1)
    assert kept.question == "a\ufffdb"
    assert kept.answer == "c?d"
    assert kept.sources == ({"quote": "e\ufffdf?", "score": None, "deep": [{"g\ufffd": "h"}]},)


async def test_more_callers_than_connections(store: Store) -> None:
    """A hundred verbs at once on three connections all succeed."""
    conversation = str(uuid4())
    await store.save_turn(a_turn(conversation))
    async with anyio.create_task_group() as group:
        for minute in range(1, 51):
            group.start_soon(store.save_turn, a_turn(conversation, minute))
            group.start_soon(lambda: store.history(conversation, limit=3))
    assert len(await store.history(conversation, limit=100)) == 51


async def test_describe_follows_the_last_verb(store: Store) -> None:
    """The state is unknown before the first use and ok after a success."""
    assert store.describe().name == "store"
    assert store.describe().state == "unknown"
    await store.warm()
    assert store.describe().state == "ok"


async def test_works_after_close_and_forgotten_connections(store: Store) -> None:
    """Giving back or forgetting connections leaves a store that opens new ones."""
    turn = a_turn(str(uuid4()))
    await store.save_turn(turn)
    store.forget_connections()
    assert await store.history(turn.conversation_id, limit=1) == [turn]
    await store.close()
    assert await store.history(turn.conversation_id, limit=1) == [turn]

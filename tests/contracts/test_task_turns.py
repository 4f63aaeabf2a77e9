"""The contract of every `Tasks` about an assistant's turns and questions: done by one, told to all."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from lectern.errors import IdempotencyMismatch
from lectern.ports import Confirmation, Remembered, Tasks, TurnClaim

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RESPONSE: dict[str, Any] = {"text": "Done 🥛", "tasks": [{"id": 1, "due": None}], "cost": 0.5}


def a_question(number: int = 1) -> Confirmation:
    """What an assistant has asked."""
    calls = ({"name": "delete_task", "arguments": {"ids": [1, number]}},)
    return Confirmation(str(uuid4()), calls, f"Delete {number} tasks? 🗑", NOW)


async def begin(tasks: Tasks, who: str, digest: str = "d1", *, seconds: float = 60) -> TurnClaim:
    """Begin the turn with the key `k`."""
    return await tasks.begin_turn(who, "k", digest=digest, seconds=seconds)


async def test_a_turn_is_done_once(tasks: Tasks, me: str) -> None:
    """By the first; others are told that it runs, then what was answered, as it was."""
    assert await begin(tasks, me) == TurnClaim("mine")
    assert await begin(tasks, me) == TurnClaim("running")
    await tasks.finish_turn(me, "k", RESPONSE)
    assert await begin(tasks, me) == TurnClaim("done", RESPONSE)
    assert await begin(tasks, f"{me}0") == TurnClaim("mine")


async def test_of_twenty_at_once_one_does_it(tasks: Tasks, me: str) -> None:
    """Of those who send the same request at the same moment, also where an earlier one was abandoned."""
    for _ in range(2):
        claims = await asyncio.gather(*(begin(tasks, me, seconds=60) for _ in range(20)))
        assert sorted(claim.state for claim in claims) == ["mine"] + ["running"] * 19
        await tasks.release_turn(me, "k")
        assert await begin(tasks, me, seconds=0) == TurnClaim("mine")


async def test_a_key_belongs_to_one_request(tasks: Tasks, me: str) -> None:
    """With another request it is refused: when it ran out, was given up, and is over."""
    await begin(tasks, me, seconds=0)
    for step in (None, tasks.release_turn(me, "k"), tasks.finish_turn(me, "k", RESPONSE)):
        if step is not None:
            await step
        with pytest.raises(IdempotencyMismatch):
            await begin(tasks, me, "d2")


async def test_an_abandoned_turn_is_taken_over(tasks: Tasks, me: str) -> None:
    """Once its time is over, or it was given up; not before."""
    await begin(tasks, me, seconds=0)
    assert await begin(tasks, me) == TurnClaim("mine")
    assert await begin(tasks, me) == TurnClaim("running")
    await tasks.release_turn(me, "k")
    assert await begin(tasks, me) == TurnClaim("mine")


async def test_the_first_answer_stays(tasks: Tasks, me: str) -> None:
    """Who was too slow changes nothing by finishing, or by giving up."""
    await begin(tasks, me)
    await tasks.finish_turn(me, "k", RESPONSE)
    await tasks.finish_turn(me, "k", {"text": "Late"})
    await tasks.release_turn(me, "k")
    assert await begin(tasks, me) == TurnClaim("done", RESPONSE)


async def test_an_unknown_turn_is_no_error(tasks: Tasks, me: str) -> None:
    """What was forgotten meanwhile is not brought back."""
    await tasks.finish_turn(me, "k", RESPONSE)
    await tasks.release_turn(me, "k")
    assert await tasks.remembered(me, "turn", limit=9) == []


async def test_what_a_database_refuses_is_replaced_in_an_answer(tasks: Tasks, me: str) -> None:
    """NUL and lone surrogates never make a turn fail."""
    await begin(tasks, me)
    await tasks.finish_turn(me, "k", {"text": "a\x00b\ud800", "score": float("nan")})
    assert (await begin(tasks, me)).response == {"text": "a\ufffdb?", "score": None}


async def test_a_key_has_its_length(tasks: Tasks, me: str) -> None:
    """A longer one is a mistake of the caller, on every database."""
    long = "k" * 201
    for verb in (
        tasks.begin_turn(me, long, digest="d", seconds=1),
        tasks.finish_turn(me, long, {}),
        tasks.release_turn(me, long),
    ):
        with pytest.raises(ValueError, match="200"):
            await verb


async def test_what_was_asked_is_there_until_it_is_settled(tasks: Tasks, me: str) -> None:
    """As it was asked, for its owner in its conversation; the last question replaces the one before."""
    conversation, question = str(uuid4()), a_question()
    await tasks.ask(me, conversation, question)
    assert await tasks.asked(me, conversation) == question
    assert await tasks.asked(f"{me}0", conversation) is None
    assert await tasks.asked(me, str(uuid4())) is None
    newer = a_question(2)
    await tasks.ask(me, conversation, newer)
    assert await tasks.asked(me, conversation) == newer
    await tasks.settle(me, conversation, question.id)
    await tasks.settle(f"{me}0", conversation, newer.id)
    assert await tasks.asked(me, conversation) == newer
    await tasks.settle(me, conversation, newer.id)
    assert await tasks.asked(me, conversation) is None
    await tasks.settle(me, conversation, newer.id)


@pytest.mark.parametrize("name", [str(UUID(int=1)), "no-uuid", "", "'; --", "\x00", "\ud800", "1" * 100_000])
async def test_an_unknown_conversation_has_no_question(tasks: Tasks, me: str, name: str) -> None:
    """Whatever text its id is."""
    await tasks.ask(me, str(uuid4()), a_question())
    assert await tasks.asked(me, name) is None
    await tasks.settle(me, name, name)


async def test_what_is_remembered_comes_in_pages(tasks: Tasks, me: str) -> None:
    """All of it, each once, in the order of its keys; nothing of another's."""
    for who in (me, f"{me}0"):
        for number in range(5):
            await tasks.begin_turn(who, f"turn {number}", digest="d", seconds=60)
            await tasks.ask(who, str(UUID(int=number)), replace(a_question(), id=str(UUID(int=number))))
            await tasks.add(who, "Milk", most=9, key=f"write {number}")
    await tasks.finish_turn(me, "turn 1", RESPONSE)
    for kind in ("write", "turn", "confirmation"):
        pages: list[Remembered] = []
        while page := await tasks.remembered(me, kind, after=pages[-1].key if pages else None, limit=2):
            assert len(page) <= 2
            pages += page
        names = [str(UUID(int=number)) for number in range(5)]
        keys = names if kind == "confirmation" else [f"{kind} {number}" for number in range(5)]
        assert [(entry.kind, entry.key) for entry in pages] == [(kind, key) for key in keys]
    [_, turn, *_] = await tasks.remembered(me, "turn", limit=9)
    [write, *_] = await tasks.remembered(me, "write", limit=9)
    [asked, *_] = await tasks.remembered(me, "confirmation", limit=9)
    assert turn.content == RESPONSE
    assert write.content[0]["title"] == "Milk"
    assert (asked.content["question"], asked.at) == ("Delete 1 tasks? 🗑", NOW)

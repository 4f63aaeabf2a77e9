"""The same turn again: retries, reconnects and races write nothing twice."""

import asyncio
from typing import Any

import pytest
from tests.tasks.conftest import MakeAssistant
from tests.tasks.models import ToolModel, call
from tests.tasks.turns import ANN, BEN, asked, conversation_of, names, say, text_of, used

from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.errors import IdempotencyMismatch, StoreUnavailable, TurnRunning
from lectern.ports import Task
from lectern.tasks.events import Failed


class Breaking(SqlTasks):
    """Cannot be reached for one write: the one that is to break, before or after it is done."""

    def __init__(self, tasks: SqlTasks, write: int, *, after: bool) -> None:
        super().__init__(tasks._database)
        self.left, self.after = write, after

    async def _broken(self, write: Any) -> Any:
        self.left -= 1
        if self.left or self.after:
            done = await write
            if self.left:
                return done
        else:
            write.close()
        raise StoreUnavailable

    async def add(self, *args: Any, **kwargs: Any) -> Task:
        """Add, or break."""
        return await self._broken(super().add(*args, **kwargs))  # type: ignore[no-any-return]

    async def delete(self, *args: Any, **kwargs: Any) -> list[Task]:
        """Delete, or break."""
        return await self._broken(super().delete(*args, **kwargs))  # type: ignore[no-any-return]


def shopping() -> ToolModel:
    """Adds two tasks."""
    return ToolModel([call("add_task", title="Buy milk"), call("add_task", title="Buy eggs")], ["Added both."])


async def titles(tasks: SqlTasks) -> list[str]:
    """Ann's tasks."""
    return [task.title for task in await tasks.listed(ANN.id, limit=99)]


async def test_a_turn_that_is_over_is_told_again(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """The same events with the same ids, without a model; each key's turn is its reader's."""
    first = await say(assistant(shopping()), "add buy milk and buy eggs", key="k")
    silent = ToolModel(["Not again."])
    again = await say(assistant(silent), "add buy milk and buy eggs", key="k")
    assert again == first
    assert silent.prompts == []
    assert await titles(tasks) == ["Buy milk", "Buy eggs"]
    await say(assistant(shopping()), "add buy milk and buy eggs", key="k", who=BEN)
    assert len(await tasks.listed(BEN.id, limit=9)) == 2


async def test_a_key_of_another_message_is_refused(assistant: MakeAssistant) -> None:
    """Also in another conversation; before any event."""
    first = await say(assistant(), "show my tasks", key="k")
    for text, after in (("delete 1", ()), ("show my tasks", first)):
        with pytest.raises(IdempotencyMismatch):
            await say(assistant(), text, key="k", after=after)


async def test_twenty_at_once_are_one_turn(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """One writes, and all get its answer."""
    model = shopping()
    told = await asyncio.gather(
        *(say(assistant(model, waiting_seconds=30), "add buy milk and buy eggs", key="k") for _ in range(20))
    )
    assert {text_of(events) for events in told} == {"Added both."}
    assert len({conversation_of(events) for events in told}) == 1
    assert await titles(tasks) == ["Buy milk", "Buy eggs"]
    assert len(model.prompts) == 2


async def test_who_waits_too_long_is_told_to_come_again(assistant: MakeAssistant) -> None:
    """The turn itself goes on, and is told when it is over."""
    go_on = asyncio.Event()
    model = ToolModel(["Well", go_on, "."])
    turn = asyncio.create_task(say(assistant(model), "hello", key="k"))
    while not model.prompts:  # noqa: ASYNC110 - the model tells nobody
        await asyncio.sleep(0.01)
    with pytest.raises(TurnRunning):
        await say(assistant(waiting_seconds=0.2), "hello", key="k")
    go_on.set()
    assert text_of(await turn) == "Well."
    assert text_of(await say(assistant(), "hello", key="k")) == "Well."


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_retry_goes_on_after_a_broken_write(
    assistant: MakeAssistant, tasks: SqlTasks, write: int, *, after: bool
) -> None:
    """Whether the write came through or not: each is there once in the end, in the same conversation."""
    broken = await say(assistant(shopping(), tasks=Breaking(tasks, write, after=after)), "buy milk, buy eggs", key="k")
    assert isinstance(broken[-1], Failed)
    assert broken[-1].code == "store_unavailable"
    assert len(await titles(tasks)) == write - (not after)
    again = await say(assistant(shopping()), "buy milk, buy eggs", key="k")
    assert names(again)[-1] == "done"
    assert conversation_of(again) == conversation_of(broken)
    assert await titles(tasks) == ["Buy milk", "Buy eggs"]


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("key", ["k", None])
async def test_a_yes_that_breaks_can_be_said_again(
    assistant: MakeAssistant, tasks: SqlTasks, write: int, key: str | None
) -> None:
    """With a key or without: what was deleted before is told as deleted, the rest is done."""
    for title in ("Buy milk", "Call mum", "Pay rent"):
        await tasks.add(ANN.id, title, most=9)
    calls = [call("delete_task", task_id=1), call("delete_task", task_id=2)]
    question = await say(assistant(ToolModel(calls, ["."])), "delete 1 and 2")
    breaking = assistant(tasks=Breaking(tasks, write, after=True))
    broken = await say(breaking, "yes", after=question, key=key)
    assert isinstance(broken[-1], Failed)
    answered = await say(assistant(), "yes", after=question, key=key)
    assert text_of(answered) == "Deleted #1 “Buy milk”.\nDeleted #2 “Call mum”."
    assert await titles(tasks) == ["Pay rent"]


async def test_a_retry_is_kept_beside_what_broke_off(
    assistant: MakeAssistant, tasks: SqlTasks, store: SqlStore
) -> None:
    """The conversation shows both; the model that tries again does not read of the first, nor what it did."""
    before = await say(assistant(ToolModel(["Hello."])), "hi")
    broken = assistant(shopping(), tasks=Breaking(tasks, 2, after=False))
    await say(broken, "buy milk, buy eggs", after=before, key="k")
    model = shopping()
    await say(assistant(model), "buy milk, buy eggs", after=before, key="k")
    kept = await store.history(conversation_of(before), limit=9, principal_id=ANN.id)
    assert [(turn.outcome, turn.answer) for turn in kept] == [
        ("answered", "Hello."),
        ("failed", "Added #1 “Buy milk”."),
        ("answered", "Added both."),
    ]
    read = [message.content for message in model.prompts[0].messages[1:]]
    assert read == ["hi", "Hello.", "buy milk, buy eggs"]


async def test_a_retry_that_deletes_again_deletes_once(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """Its task is gone, and the answer is the one of the first time."""
    await tasks.add(ANN.id, "Buy milk", most=9)
    model = [call("delete_task", task_id=1)], ["Gone."]
    await say(assistant(ToolModel(*model), tasks=Breaking(tasks, 1, after=True)), "delete 1", key="k")
    again = await say(assistant(ToolModel(*model)), "delete 1", key="k")
    assert used(again) == [("delete_task", "success")]
    assert await titles(tasks) == []


async def test_a_question_is_told_again(assistant: MakeAssistant, tasks: SqlTasks) -> None:
    """With the same confirmation, which can be agreed to once."""
    await tasks.add(ANN.id, "Buy milk", most=9)
    model = ToolModel([call("delete_task", task_id=1)], ["."])
    first = await say(assistant(model), "hm", key="k")
    again = await say(assistant(ToolModel([])), "hm", key="k")
    assert again == first
    assert asked(again) == [("delete_task", 1)]
    await say(assistant(), "yes", after=first)
    assert await titles(tasks) == []


async def test_an_answer_that_cannot_be_kept_is_an_answer(
    assistant: MakeAssistant, tasks: SqlTasks, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry then does the turn again, and writes nothing twice."""

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "finish_turn", fail)
        first = await say(assistant(shopping()), "buy milk, buy eggs", key="k")
    assert names(first)[-1] == "done"
    await tasks.release_turn(ANN.id, "k")
    assert text_of(await say(assistant(shopping()), "buy milk, buy eggs", key="k")) == "Added both."
    assert await titles(tasks) == ["Buy milk", "Buy eggs"]
    assert len(await store.history(conversation_of(first), limit=9, principal_id=ANN.id)) == 1


async def test_a_conversation_that_is_none_gives_the_key_back(assistant: MakeAssistant) -> None:
    """The refusal can be had again at once."""
    first = await say(assistant(), "show my tasks")
    for _ in range(2):
        with pytest.raises(Exception, match="somebody else"):
            await say(assistant(), "show my tasks", after=first, who=BEN, key="k")

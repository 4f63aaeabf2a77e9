"""The contract of every `Tasks`: one's own only, numbered once, written once, on whichever database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.contracts.processes import at_once

from lectern.errors import IdempotencyMismatch, TaskNotFound, TooManyTasks
from lectern.ports import Task, TaskChanges, Tasks

MOST = 1000
UNKNOWN = [0, -1, 99, 2**31 - 1, 2**31, 2**63, 10**30, -(10**30)]

Verb = Callable[[Tasks, str, list[int]], Awaitable[Any]]
VERBS: dict[str, Verb] = {
    "get": lambda tasks, who, numbers: tasks.get(who, numbers[-1]),
    "update": lambda tasks, who, numbers: tasks.update(who, numbers, {"title": "Taken over"}),
    "complete": lambda tasks, who, numbers: tasks.update(who, numbers, {"status": "completed"}, key="k"),
    "delete": lambda tasks, who, numbers: tasks.delete(who, numbers),
    "delete with a key": lambda tasks, who, numbers: tasks.delete(who, numbers, key="k"),
}


async def all_of(tasks: Tasks, principal_id: str) -> list[Task]:
    """All tasks of somebody."""
    return await tasks.listed(principal_id, limit=2 * MOST)


async def three(tasks: Tasks, principal_id: str) -> list[Task]:
    """Three tasks of somebody's."""
    return [await tasks.add(principal_id, title, most=MOST) for title in ("Milk", "Bread", "Salt")]


async def test_a_new_task_is_there(tasks: Tasks, me: str) -> None:
    """With every field, the first with the number 1; it is pending, and not done."""
    task = await tasks.add(me, "دودھ 🥛", description="two\nlitres", due_date=date(2026, 2, 28), most=MOST)
    assert task == Task(
        1, "دودھ 🥛", "two\nlitres", "pending", date(2026, 2, 28), task.created_at, task.created_at, None
    )
    assert abs(datetime.now(UTC) - task.created_at) < timedelta(minutes=1)
    assert task.created_at.utcoffset() == timedelta(0)
    assert await tasks.get(me, 1) == task
    assert await all_of(tasks, me) == [task]


@pytest.mark.parametrize("text", ["'; DROP TABLE tasks; --", "x" * 100_000, "%s :name {}", "\u202e\u0000\ud800"])
async def test_any_text_is_kept(tasks: Tasks, me: str, text: str) -> None:
    """What is returned is what is kept; NUL and lone surrogates are replaced."""
    task = await tasks.add(me, text, description=text, most=MOST, key="one")
    assert await tasks.get(me, 1) == task
    [changed] = await tasks.update(me, [1], {"title": f"{text}!", "description": ""}, key="two")
    assert await tasks.get(me, 1) == changed
    kept = text.replace("\x00", "\ufffd").replace("\ud800", "?")
    assert (task.title, task.description, changed.title) == (kept, kept, f"{kept}!")


async def test_tasks_are_listed_in_order(tasks: Tasks, me: str) -> None:
    """Oldest first, in pages, of a status only where one is named."""
    milk, bread, salt = await three(tasks, me)
    [done] = await tasks.update(me, [bread.id], {"status": "completed"})
    assert await all_of(tasks, me) == [milk, done, salt]
    assert await tasks.listed(me, limit=2) == [milk, done]
    assert await tasks.listed(me, limit=2, offset=2) == [salt]
    assert await tasks.listed(me, status="pending", limit=9) == [milk, salt]
    assert await tasks.listed(me, status="completed", limit=9) == [done]
    assert await tasks.listed(me, limit=2, after=milk.id) == [done, salt]
    assert await tasks.listed(me, limit=2, after=salt.id) == []
    assert await tasks.listed(f"{me}0", limit=9) == []


async def test_a_number_is_given_once(tasks: Tasks, me: str) -> None:
    """Also after the task with the largest one was deleted; each principal begins at 1."""
    assert [task.id for task in await three(tasks, me)] == [1, 2, 3]
    await tasks.delete(me, [3, 2])
    assert (await tasks.add(me, "Tea", most=MOST)).id == 4
    assert (await tasks.add(f"{me}0", "Tea", most=MOST)).id == 1


async def test_changes_are_made_to_all_that_are_named(tasks: Tasks, me: str) -> None:
    """They are returned as they are then, in the order asked for; fields that are not named stay."""
    milk, bread, salt = await three(tasks, me)
    changes: TaskChanges = {"due_date": date(2026, 5, 1), "description": "soon"}
    changed = await tasks.update(me, [3, 1, 3], changes)
    now = changed[0].updated_at
    assert changed == [replace(task, **changes, updated_at=now) for task in (salt, milk)]
    assert now >= salt.updated_at
    assert await all_of(tasks, me) == [changed[1], bread, changed[0]]
    [cleared] = await tasks.update(me, [1], {"due_date": None})
    assert (cleared.due_date, cleared.description) == (None, "soon")


async def test_a_task_is_done_once(tasks: Tasks, me: str) -> None:
    """What is done already was done when it was; opened again it is not done."""
    await three(tasks, me)
    [first] = await tasks.update(me, [1], {"status": "completed"})
    assert first.completed_at == first.updated_at
    again, second = await tasks.update(me, [1, 2], {"status": "completed"})
    assert again == first
    assert second.completed_at == second.updated_at
    [renamed, _] = await tasks.update(me, [1, 2], {"status": "completed", "title": "Oat milk"})
    assert (renamed.title, renamed.completed_at) == ("Oat milk", first.completed_at)
    [opened] = await tasks.update(me, [1], {"status": "pending"})
    assert (opened.status, opened.completed_at) == ("pending", None)
    assert await tasks.get(me, 1) == opened


@pytest.mark.parametrize("changes", [{}, {"title": "Milk"}, {"title": "Milk", "status": "pending", "due_date": None}])
async def test_what_is_so_already_stays(tasks: Tasks, me: str, changes: TaskChanges) -> None:
    """A change that changes nothing is none; not even the time of the last change."""
    milk, *_ = await three(tasks, me)
    assert await tasks.update(me, [1], changes) == [milk]
    assert await tasks.get(me, 1) == milk


async def test_deleted_tasks_are_gone(tasks: Tasks, me: str) -> None:
    """They are returned as they were; the second time they are not found."""
    milk, bread, salt = await three(tasks, me)
    assert await tasks.delete(me, [3, 1]) == [salt, milk]
    assert await all_of(tasks, me) == [bread]
    with pytest.raises(TaskNotFound):
        await tasks.delete(me, [1])


async def test_nothing_named_is_nothing_done(tasks: Tasks, me: str) -> None:
    """No numbers are no task, and no error."""
    assert await tasks.update(me, [], {"title": "x"}, key="k") == []
    assert await tasks.delete(me, []) == []


@pytest.mark.parametrize("number", UNKNOWN)
@pytest.mark.parametrize("verb", VERBS)
async def test_an_unknown_number_is_not_found(tasks: Tasks, me: str, verb: str, number: int) -> None:
    """Whatever number it is, and whoever has no tasks at all; of several, none is touched then."""
    kept = await three(tasks, me)
    for numbers in ([number], [1, number, 2]):
        with pytest.raises(TaskNotFound):
            await VERBS[verb](tasks, me, [*numbers[::-1], number])
    with pytest.raises(TaskNotFound):
        await VERBS[verb](tasks, f"{me}0", [1])
    assert await all_of(tasks, me) == kept


@pytest.mark.parametrize("verb", VERBS)
async def test_anothers_tasks_are_not_there(tasks: Tasks, me: str, verb: str) -> None:
    """Each verb with a number that only another has is not found; with both's, one's own alone is changed."""
    other = f"{me}0"
    await tasks.add(me, "Mine", most=MOST)
    kept = await three(tasks, other)
    for number in (2, 3):
        with pytest.raises(TaskNotFound):
            await VERBS[verb](tasks, me, [number])
    await VERBS[verb](tasks, me, [1])
    assert await all_of(tasks, other) == kept


async def test_no_more_than_so_many(tasks: Tasks, me: str) -> None:
    """One too many is refused; who deletes one may add one."""
    await three(tasks, me)
    with pytest.raises(TooManyTasks):
        await tasks.add(me, "Tea", most=3, key="k")
    await tasks.delete(me, [2])
    assert (await tasks.add(me, "Tea", most=3, key="k")).id == 4


async def test_no_more_than_so_many_at_once(tasks: Tasks, me: str) -> None:
    """Of twenty who add at the same moment where there is room for five, five do, with numbers in a row."""
    adding = [tasks.add(me, f"Task {number}", most=5) for number in range(20)]
    got = await asyncio.gather(*adding, return_exceptions=True)
    assert sum(isinstance(result, TooManyTasks) for result in got) == 15
    assert [task.id for task in await all_of(tasks, me)] == [1, 2, 3, 4, 5]


async def test_the_same_write_twenty_times_at_once_is_one(tasks: Tasks, me: str) -> None:
    """All are told of the same task, and there is one; its number is the next."""
    adding = [tasks.add(me, "Milk", most=1, key="turn:1") for _ in range(20)]
    got = await asyncio.gather(*adding)
    assert set(got) == set(await all_of(tasks, me))
    assert len(set(got)) == 1
    assert (await tasks.add(me, "Bread", most=2)).id == 2


async def test_the_same_write_in_two_processes_is_one(database_url: str, tasks: Tasks, me: str) -> None:
    """Ten times in each of two processes at once."""
    call = ["add", database_url, me, "turn:1"]
    assert await asyncio.to_thread(at_once, call, call) == [[1] * 10] * 2
    assert len(await all_of(tasks, me)) == 1


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_a_change_is_made_once(tasks: Tasks, me: str, verb: str) -> None:
    """Sent again at once or later, with the same key, it tells what the first told, and does nothing."""
    await three(tasks, me)

    async def write() -> list[Task]:
        if verb == "delete":
            return await tasks.delete(me, [2, 1], key="turn:1")
        return await tasks.update(me, [2, 1], {"status": "completed", "due_date": date(2026, 1, 2)}, key="turn:1")

    first, *others = await asyncio.gather(*(write() for _ in range(20)))
    assert all(other == first for other in others)
    assert [task.id for task in first] == [2, 1]
    if verb == "update":
        await tasks.update(me, [1, 2], {"status": "pending"})
    kept = await all_of(tasks, me)
    assert await write() == first
    assert await all_of(tasks, me) == kept


async def test_a_key_is_for_one_verb(tasks: Tasks, me: str) -> None:
    """Used for another it is refused, and nothing is done: no deletion answers with what an addition returned."""
    await tasks.add(me, "Milk", most=MOST, key="added")
    await tasks.update(me, [1], {"status": "completed"}, key="changed")
    kept = await all_of(tasks, me)
    for write in (
        tasks.delete(me, [1], key="added"),
        tasks.update(me, [1], {"title": "Tea"}, key="added"),
        tasks.add(me, "Tea", most=MOST, key="changed"),
    ):
        with pytest.raises(IdempotencyMismatch):
            await write
    assert await all_of(tasks, me) == kept


async def test_a_key_is_its_owners(tasks: Tasks, me: str) -> None:
    """The same key of two principals is two keys."""
    mine = await tasks.add(me, "Mine", most=MOST, key="turn:1")
    theirs = await tasks.add(f"{me}0", "Theirs", most=MOST, key="turn:1")
    assert (mine.title, theirs.title) == ("Mine", "Theirs")


@pytest.mark.parametrize("key", ["", "k" * 200, "\x00", "\ud800", "'; --", "ключ"])
async def test_any_key_works(tasks: Tasks, me: str, key: str) -> None:
    """Up to its length, whatever text it is; a longer one is a mistake of the caller."""
    first = await tasks.add(me, "Milk", most=MOST, key=key)
    assert await tasks.add(me, "Milk", most=MOST, key=key) == first
    with pytest.raises(ValueError, match="200"):
        await tasks.add(me, "Milk", most=MOST, key="k" * 201)


async def test_a_refused_write_leaves_nothing(tasks: Tasks, me: str) -> None:
    """What was not found is not remembered: the same key does it once it is there."""
    with pytest.raises(TaskNotFound):
        await tasks.delete(me, [1], key="turn:1")
    await tasks.add(me, "Milk", most=MOST, key="added")
    [gone] = await tasks.delete(me, [1], key="turn:1")
    assert gone.title == "Milk"
    assert [entry.key for entry in await tasks.remembered(me, "write", limit=9)] == ["added", "turn:1"]


async def test_a_thousand_at_once(tasks: Tasks, me: str) -> None:
    """More than one statement may have parameters are changed and deleted as one."""
    for number in range(1, 602):
        await tasks.add(me, f"Task {number}", most=MOST)
    numbers = list(range(601, 0, -1))
    changed = await tasks.update(me, numbers, {"status": "completed"})
    assert [task.id for task in changed] == numbers
    with pytest.raises(TaskNotFound):
        await tasks.delete(me, [*numbers, 602])
    assert await tasks.delete(me, numbers) == changed
    assert await all_of(tasks, me) == []


async def test_everything_of_one_is_deleted(tasks: Tasks, me: str) -> None:
    """Tasks, writes, turns and what was asked, of this principal only; the second time there is nothing."""
    other = f"{me}0"
    for who in (me, other):
        await three(tasks, who)
        await tasks.add(who, "Tea", most=MOST, key="k")
        await tasks.begin_turn(who, "k", digest="d", seconds=60)
    assert await tasks.delete_tasks_of(me) == 4
    assert await tasks.delete_tasks_of(me) == 0
    assert await all_of(tasks, me) == []
    assert await tasks.remembered(me, "write", limit=9) == []
    assert await tasks.remembered(me, "turn", limit=9) == []
    assert len(await all_of(tasks, other)) == 4
    assert len(await tasks.remembered(other, "turn", limit=9)) == 1


async def test_deleting_and_adding_at_once_is_one_after_the_other(tasks: Tasks, me: str) -> None:
    """Neither fails, and what is left is whole: numbers without a gap from 1."""
    await three(tasks, me)
    writes: list[Awaitable[Any]] = [tasks.add(me, "Tea", most=MOST, key=f"k{number}") for number in range(10)]
    writes += [tasks.delete_tasks_of(me) for _ in range(3)]
    writes += [tasks.add(me, "Tea", most=MOST) for _ in range(5)]
    await asyncio.gather(*writes)
    left = [task.id for task in await all_of(tasks, me)]
    assert left == list(range(1, len(left) + 1))

"""The tools: what they take, what they do, and whose tasks they see."""

import json
from datetime import date
from typing import Any

import pytest

from lectern.adapters.sql_tasks import SqlTasks
from lectern.tasks.tools import MOST_LISTED, TOOLS, Toolbox, ToolResult, ToolUse, task_json

ANN, BEN = "user:ann", "user:ben"


@pytest.fixture
def toolbox(tasks: SqlTasks) -> Toolbox:
    """Ann's."""
    return Toolbox(tasks, ANN, most_tasks=60)


async def use(toolbox: Toolbox, name: str, key: str | None = None, **arguments: Any) -> ToolResult:
    """Do a call."""
    return await toolbox.use(ToolUse(name, arguments), key=key)


async def test_a_task_is_added_listed_changed_completed_and_deleted(toolbox: Toolbox) -> None:
    """As front ends name the arguments; `user_id` is taken and changes nothing."""
    added = await use(toolbox, "add_task", title=" Buy\nmilk ", due_date="2026-03-05", user_id=BEN)
    assert [(task.id, task.title, task.due_date) for task in added.tasks] == [(1, "Buy milk", date(2026, 3, 5))]
    changed = await use(toolbox, "update_task", task_id="#1", title="Buy oat milk", due_date=None, user_id=BEN)
    assert json.loads(changed.text)["task"] == {"id": 1, "title": "Buy oat milk", "status": "pending"}
    assert (await use(toolbox, "complete_task", title="oat milk")).tasks[0].status == "completed"
    assert [task.id for task in (await use(toolbox, "list_tasks", status="completed")).tasks] == [1]
    assert not (await use(toolbox, "list_tasks", status="pending")).tasks
    deleted = await use(toolbox, "delete_task", task_id=1)
    assert deleted.status == "success"
    assert json.loads((await use(toolbox, "list_tasks")).text) == {"tasks": [], "more": False}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("drop_tables", {}),
        ("add_task", {}),
        ("add_task", {"title": " \n "}),
        ("add_task", {"title": "x" * 201}),
        ("add_task", {"title": "NUL \x00"}),
        ("add_task", {"title": "half \ud83d"}),
        ("add_task", {"title": ["x"]}),
        ("add_task", {"title": "x", "description": "y" * 2001}),
        ("add_task", {"title": "x", "due_date": "tomorrow"}),
        ("add_task", {"title": "x", "due_date": 20260305}),
        ("list_tasks", {"status": "secret"}),
        ("list_tasks", {"offset": -1}),
        ("complete_task", {}),
        ("complete_task", {"task_id": 99}),
        ("complete_task", {"task_id": 0}),
        ("complete_task", {"task_id": True}),
        ("complete_task", {"task_id": 1.5}),
        ("complete_task", {"task_id": "1; DROP TABLE tasks"}),
        ("complete_task", {"task_id": 2**31}),
        ("complete_task", {"title": "nothing like it"}),
        ("update_task", {"task_id": 1}),
        ("update_task", {"task_id": 1, "status": "deleted"}),
        ("delete_task", {"task_id": [1, 2]}),
    ],
)
async def test_what_is_wrong_is_a_result_to_read(toolbox: Toolbox, name: str, arguments: dict[str, Any]) -> None:
    """Never an exception; nothing is written."""
    await use(toolbox, "add_task", title="Buy milk")
    result = await toolbox.use(ToolUse(name, arguments), key="k")
    assert result.status == "error"
    assert json.loads(result.text) == {"status": "error", "message": result.message}
    assert result.message
    assert [(task.id, task.title, task.status) for task in await toolbox.everything()] == [(1, "Buy milk", "pending")]


async def test_nulls_are_left_out(toolbox: Toolbox) -> None:
    """Models fill in what they do not want; only a due date goes by it."""
    nothing = {"description": None, "due_date": None, "title": None, "status": None}
    await use(toolbox, "add_task", **nothing | {"title": "Tax", "due_date": "2026-05-01T00:00:00Z", "task_id": None})
    changed = await use(toolbox, "update_task", task_id=1, **nothing | {"title": "Taxes"})
    assert [(task.title, task.due_date) for task in changed.tasks] == [("Taxes", None)]


async def test_a_title_of_several_tasks_does_nothing(toolbox: Toolbox) -> None:
    """The candidates come back; a whole title, or one that is not done yet, is meant before others."""
    for title in ("Call mum", "Call mum about dad", "Call the bank"):
        await use(toolbox, "add_task", title=title)
    result = await use(toolbox, "delete_task", title="call")
    assert (result.status, [task.id for task in result.tasks]) == ("ambiguous", [1, 2, 3])
    assert [found["id"] for found in json.loads(result.text)["candidates"]] == [1, 2, 3]
    assert (await use(toolbox, "complete_task", title="CALL MUM")).tasks[0].id == 1
    assert (await use(toolbox, "complete_task", title="mum")).tasks[0].id == 2
    assert len(await toolbox.everything()) == 3


async def test_no_argument_reaches_anothers_tasks(tasks: SqlTasks, toolbox: Toolbox) -> None:
    """Every tool, by number and by title, with the other's id in the arguments."""
    bens = await tasks.add(BEN, "Ben's secret", most=9)
    for name in ("complete_task", "update_task", "delete_task"):
        for which in ({"task_id": bens.id}, {"title": "Ben's secret", "current_title": "Ben's secret"}):
            result = await use(toolbox, name, **which, status="completed", user_id=BEN, principal_id=BEN)
            assert result.status == "error"
            assert "secret" not in result.text
    assert not (await use(toolbox, "list_tasks", user_id=BEN)).tasks
    await use(toolbox, "add_task", title="Mine", user_id=BEN)
    assert await tasks.listed(BEN, limit=9) == [bens]


async def test_a_list_is_bounded(toolbox: Toolbox) -> None:
    """At most 50, with long descriptions shortened for the model, and told that there are more."""
    for number in range(MOST_LISTED + 1):
        await use(toolbox, "add_task", title=f"Task {number}", description="d" * 2000)
    result = await use(toolbox, "list_tasks")
    told = json.loads(result.text)
    assert (len(result.tasks), len(told["tasks"]), told["more"]) == (50, 50, True)
    assert len(result.text) < 20_000
    assert [task["id"] for task in json.loads((await use(toolbox, "list_tasks", offset=50)).text)["tasks"]] == [51]


async def test_no_more_tasks_than_one_may_have(tasks: SqlTasks) -> None:
    """The model is told why."""
    toolbox = Toolbox(tasks, ANN, most_tasks=1)
    await use(toolbox, "add_task", title="One")
    assert "no room" in (await use(toolbox, "add_task", title="Two")).message


async def test_a_write_with_a_key_is_done_once(toolbox: Toolbox) -> None:
    """Also a deletion, whose task is gone the second time."""
    for _ in range(2):
        assert (await use(toolbox, "add_task", key="a", title="Buy milk")).tasks[0].id == 1
    for _ in range(2):
        assert (await use(toolbox, "delete_task", key="d", task_id=1)).tasks[0].title == "Buy milk"
    assert (await use(toolbox, "delete_task", key="e", task_id=1)).message == "There is no such task."
    assert await toolbox.everything() == []


def test_models_are_told_of_every_tool() -> None:
    """With a schema that names no principal, and what has to be given."""
    told = {tool.name: tool for tool in TOOLS}
    assert list(told) == ["add_task", "list_tasks", "complete_task", "update_task", "delete_task"]
    assert told["add_task"].parameters["required"] == ["title"]
    assert told["update_task"].parameters["properties"]["due_date"]["type"] == ["string", "null"]
    assert all(tool.description and "user_id" not in json.dumps(tool.parameters) for tool in TOOLS)


async def test_a_task_is_plain_json(toolbox: Toolbox) -> None:
    """With all its fields."""
    [task] = (await use(toolbox, "add_task", title="Tax", due_date="2026-05-01")).tasks
    told = json.loads(json.dumps(task_json(task)))
    assert told["due_date"] == "2026-05-01"
    assert (told["completed_at"], told["created_at"]) == (None, task.created_at.isoformat())

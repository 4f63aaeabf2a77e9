"""The tools for tasks over a real service with two workers: each reader's own, by whoever's token."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from mcp import Client
from tests.mcp.agents import MODES, Mode, agent, text_of
from tests.service_process import running_service
from tests.serving.servers import Served

pytestmark = pytest.mark.process

READS, ADDS, CHANGES = (True, None, None), (False, False, None), (False, True, None)
HINTS = {
    "list_tasks": READS,
    "add_task": ADDS,
    "complete_task": (False, False, True),
    "update_task": CHANGES,
    "delete_task": CHANGES,
}
"""`(read only, destructive, idempotent)`, as the tools of these names say it."""

USES: dict[str, dict[str, Any]] = {
    "add_task": {"title": "Water the plants"},
    "list_tasks": {},
    "complete_task": {"task_id": 1},
    "update_task": {"task_id": 1, "title": "Mine now"},
    "delete_task": {"task_id": 1},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with accounts of its own."""
    with running_service(tmp_path_factory.mktemp("service"), ADMIN_TOKEN="operator-token-0123456789") as running:
        yield running


def token(service: Served) -> str:
    """That of somebody who has just signed up."""
    body = {
        "email": f"{uuid4().hex}@example.org",
        "password": "correct horse battery",
        "name": "A",
        "proficiency": "pro",
    }
    answer = httpx2.post(f"http://127.0.0.1:{service.port}/api/auth/sign-up", json=body, timeout=30)
    return str(answer.json()["session"]["accessToken"])


async def tasks(client: Client, tool: str, **arguments: object) -> list[dict[str, Any]]:
    """The tasks that a call gives."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return list(result.structured_content["tasks"])


@pytest.mark.parametrize("mode", MODES)
async def test_a_reader_manages_tasks_by_an_agent(service: Served, mode: Mode) -> None:
    """Each tool does what it says, on what the others have left."""
    async with agent(service.port, mode=mode, token=token(service)) as client:
        [milk] = await tasks(client, "add_task", title="Buy milk", due_date="2031-05-01")
        assert (milk["id"], milk["status"], milk["due_date"]) == (1, "pending", "2031-05-01")
        [_] = await tasks(client, "add_task", title="Call the plumber")
        assert [task["title"] for task in await tasks(client, "list_tasks")] == ["Buy milk", "Call the plumber"]
        [done] = await tasks(client, "complete_task", task_id=1)
        assert done["status"] == "completed"
        [renamed] = await tasks(client, "update_task", task_id=2, title="Call the electrician")
        assert renamed["title"] == "Call the electrician"
        assert [task["id"] for task in await tasks(client, "list_tasks", status="completed")] == [1]
        [gone] = await tasks(client, "delete_task", title="milk")
        assert gone["id"] == 1
        assert [task["id"] for task in await tasks(client, "list_tasks")] == [2]


async def test_the_tools_say_what_they_may_change(service: Served) -> None:
    """So that the agent's own client asks its person before a task is deleted."""
    async with agent(service.port, token=token(service)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search_docs", "ask_docs", *HINTS}
    for name, hints in HINTS.items():
        told = tools[name].annotations
        assert told is not None
        assert (told.read_only_hint, told.destructive_hint, told.idempotent_hint) == hints
        assert ("idempotency_key" in tools[name].input_schema["properties"]) is (name != "list_tasks")


async def test_nobody_reaches_anothers_tasks(service: Served) -> None:
    """By no tool, whatever id of a person or a task is sent along."""
    async with agent(service.port, token=token(service)) as owner:
        [kept] = await tasks(owner, "add_task", title="Private matter")
        async with agent(service.port, token=token(service)) as other:
            for tool, arguments in USES.items():
                if tool != "add_task":
                    result = await other.call_tool(tool, arguments | {"user_id": "account:1"})
                    assert "Private" not in result.model_dump_json()
                    assert result.is_error is (tool != "list_tasks")
        assert await tasks(owner, "list_tasks") == [kept]


async def test_a_retry_with_the_same_key_does_it_once(service: Served) -> None:
    """It is answered as the first; the same key with another call, or of another person, is another change."""
    mine = token(service)
    async with agent(service.port, token=mine) as client, agent(service.port, token=token(service)) as other:
        first = await tasks(client, "add_task", title="Once", idempotency_key="k1")
        assert await tasks(client, "add_task", title="Once", idempotency_key="k1") == first
        [more] = await tasks(client, "add_task", title="Another", idempotency_key="k1")
        assert more["id"] == 2
        [theirs] = await tasks(other, "add_task", title="Theirs", idempotency_key="k1")
        assert (theirs["id"], theirs["title"]) == (1, "Theirs")
        gone = await tasks(client, "delete_task", task_id=1, idempotency_key="k1")
        assert await tasks(client, "delete_task", task_id=1, idempotency_key="k1") == gone
        assert [task["id"] for task in await tasks(client, "list_tasks")] == [2]


@pytest.mark.parametrize("tool", USES)
async def test_a_visitor_is_told_to_sign_in(service: Served, tool: str) -> None:
    """Who calls a tool that was not offered learns what is missing; the operator, that it has no tasks."""
    async with agent(service.port) as client:
        result = await client.call_tool(tool, USES[tool])
        assert (result.is_error, text_of(result)) == (True, "This needs a valid bearer token. (unauthorized)")
    async with agent(service.port, token="operator-token-0123456789") as client:
        assert len((await client.list_tools()).tools) == 2
        assert text_of(await client.call_tool(tool, USES[tool])).endswith("(forbidden)")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("add_task", {}),
        ("add_task", {"title": " "}),
        ("add_task", {"title": "x" * 300}),
        ("add_task", {"title": "a\0b"}),
        ("add_task", {"title": "x", "due_date": "tomorrow"}),
        ("add_task", {"title": "x", "idempotency_key": ""}),
        ("add_task", {"title": "x", "idempotency_key": "k" * 129}),
        ("add_task", {"title": "x", "idempotency_key": 7}),
        ("complete_task", {}),
        ("complete_task", {"task_id": 999}),
        ("complete_task", {"task_id": [1, 2]}),
        ("delete_task", {"task_id": "all"}),
        ("delete_task", {"title": "%"}),
        ("update_task", {"task_id": 1}),
        ("list_tasks", {"status": "open"}),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) or "none",
)
async def test_a_wrong_call_changes_nothing(service: Served, tool: str, arguments: dict[str, Any]) -> None:
    """An error of the tool, for the model to read."""
    async with agent(service.port, token=token(service)) as client:
        before = await tasks(client, "add_task", title="Stays")
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert "internal_error" not in text_of(result)
        assert await tasks(client, "list_tasks") == before


async def test_words_that_fit_several_tasks_delete_none(service: Served) -> None:
    """The candidates are told, with their numbers."""
    async with agent(service.port, token=token(service)) as client:
        before = [
            *await tasks(client, "add_task", title="Buy milk"),
            *await tasks(client, "add_task", title="More milk"),
        ]
        result = await client.call_tool("delete_task", {"title": "milk"})
        assert result.is_error
        assert "More milk" in text_of(result)
        assert await tasks(client, "list_tasks") == before

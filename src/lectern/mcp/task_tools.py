"""The tools of the task assistant for other people's agents: the same checks, and the caller's own tasks only.

Nothing is asked back here: a call changes or deletes one task, and the agent's own client asks its person before.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mcp_types import Tool, ToolAnnotations

from lectern.errors import NotFound
from lectern.mcp.asker import Asker
from lectern.mcp.schemas import AgentTask, AgentTasks, Once
from lectern.mcp.tool import OfferedTool, Outcome, checked, schema_of
from lectern.tasks.tools import TOOLS, ToolUse, task_json
from lectern.web.access import signed_in

_HINTS: Final = {
    "add_task": ToolAnnotations(title="Add a task", read_only_hint=False, destructive_hint=False),
    "list_tasks": ToolAnnotations(title="List tasks", read_only_hint=True),
    "complete_task": ToolAnnotations(
        title="Complete a task", read_only_hint=False, destructive_hint=False, idempotent_hint=True
    ),
    "update_task": ToolAnnotations(title="Change a task", read_only_hint=False, destructive_hint=True),
    "delete_task": ToolAnnotations(title="Delete a task", read_only_hint=False, destructive_hint=True),
}
"""By name. What an update overwrites and a deletion removes is gone; either may find its task by words of the title, so
that doing it twice may change another one."""


async def use_tool(name: str, arguments: Mapping[str, Any], asker: Asker) -> Outcome:
    """Do one call on the caller's own tasks.

    Args:
        name: The tool's.
        arguments: As they came.
        asker: Who calls.

    Raises:
        NotFound: No tasks are kept here.
        Unauthorized: A visitor has none.
        Forbidden: Nor has the operator.
        InvalidRequest: The key is none.
        StoreUnavailable: Tasks cannot be read or written now.
    """
    if asker.toolboxes is None:
        raise NotFound("This service keeps no tasks.")
    principal = signed_in(asker.caller).principal
    once = checked(Once, arguments)
    own = {argument: value for argument, value in arguments.items() if argument != "idempotency_key"}
    key = _key(name, own, once.idempotency_key) if once.idempotency_key else None
    result = await asker.toolboxes(principal.id).use(ToolUse(name, own), key=key)
    if result.status != "success":
        return Outcome(result.text, None)
    tasks = [AgentTask.model_validate(task_json(task)) for task in result.tasks]
    return Outcome(result.text, AgentTasks(tasks=tasks, more=json.loads(result.text).get("more", False)))


def _key(name: str, arguments: Mapping[str, Any], given: str) -> str:
    """What a write is done once for: a key that comes with another call means another change."""
    told = json.dumps([given, name, arguments], sort_keys=True)
    return f"mcp:{hashlib.sha256(told.encode()).hexdigest()}"


def _schema(parameters: Mapping[str, Any], hints: ToolAnnotations) -> dict[str, Any]:
    """The assistant's schema of a tool; of one that writes, with the key."""
    if hints.read_only_hint:
        return dict(parameters)
    return {**parameters, "properties": parameters["properties"] | schema_of(Once)["properties"]}


TASK_TOOLS: Final = tuple(
    OfferedTool(
        Tool(
            name=tool.name,
            title=hints.title,
            description=tool.description,
            input_schema=_schema(tool.parameters, hints),
            output_schema=AgentTasks.model_json_schema(),
            annotations=hints.model_copy(update={"open_world_hint": False}),
        ),
        partial(use_tool, tool.name),
        for_people=True,
    )
    for tool, hints in ((tool, _HINTS[tool.name]) for tool in TOOLS)
)

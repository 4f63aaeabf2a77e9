"""What became of a call of a tool: as a model reads it, and with its tasks as plain JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lectern.ports import Task

_EXCERPT_CHARACTERS: Final = 200
"""How much of a description a model reads: 50 tasks stay below 5,000 tokens."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of a call.

    Attributes:
        status: `ambiguous`: several tasks fit, and nothing was done.
        text: For the model: compact JSON.
        tasks: What was added, listed, changed or deleted; the candidates when it is ambiguous.
        message: For people: why nothing was done.
    """

    status: Literal["success", "error", "ambiguous"]
    text: str
    tasks: tuple[Task, ...] = ()
    message: str = ""


def task_json(task: Task) -> dict[str, Any]:
    """A task as a plain JSON object, with all its fields."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "due_date": task.due_date.isoformat() if task.due_date else None,
        "created_at": task.created_at.isoformat(),
        "updated_at": task.updated_at.isoformat(),
        "completed_at": task.completed_at.isoformat() if task.completed_at else None,
    }


def refused(message: str) -> ToolResult:
    """A result that says why nothing was done."""
    return ToolResult("error", encoded({"status": "error", "message": message}), message=message)


def brief(task: Task) -> dict[str, Any]:
    """A task as a model reads it: what is empty is left out."""
    told = {name: value for name, value in task_json(task).items() if not name.endswith("_at") and value}
    if len(task.description) > _EXCERPT_CHARACTERS:
        told["description"] = task.description[:_EXCERPT_CHARACTERS] + "…"
    return told


def encoded(told: Mapping[str, Any]) -> str:
    """Compact JSON."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

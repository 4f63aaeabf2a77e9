"""What was done with tasks, in plain English: said where no model says it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from lectern.ports import Task
from lectern.tasks.tools import ToolResult

UNKNOWN: Final = (
    "I did not understand that. I can add, show, finish, rename and delete your tasks: for example “add buy milk”, "
    "“show my tasks”, “finish 3”, “rename 3 to buy oat milk” or “delete 3”."
)
NOTHING_DONE: Final = "All right, I have left everything as it is."
MISTAKEN: Final = "I stopped, as I got too many things wrong. Please tell me in other words what to do."
OUT_OF_STEPS: Final = "I stopped here: this is as much as I may do at once. Please tell me how to go on."
OUT_OF_TIME: Final = "I stopped here: there is no time left for this message. Please tell me how to go on."
CUT_SHORT: Final = "I could not go on after that, so please check what is still missing."
_VERBS: Final = {
    "add_task": "Added",
    "complete_task": "Completed",
    "update_task": "Changed",
    "delete_task": "Deleted",
}


def sentence(tool_name: str, result: ToolResult) -> str:
    """One line about a call, or a list of tasks.

    Args:
        tool_name: Which was called.
        result: What became of it; not `ambiguous`, which is asked back.
    """
    if result.status == "error":
        return f"That did not work: {result.message}"
    if tool_name == "list_tasks":
        return listed(result.tasks)
    return f"{_VERBS[tool_name]} {', '.join(line(task) for task in result.tasks)}."


def changed_meanwhile(call: Mapping[str, Any]) -> str:
    """What is said of a call that was kept, when its task is not what it was."""
    return f"I left “{call['title']}” as it is: it was changed since I asked."


def first_of(number: int, total: int) -> str:
    """What is said when so many calls are more than one turn does."""
    return f"That is {total} things to do. These are the first {number}; tell me again for the others."


def listed(tasks: Iterable[Task]) -> str:
    """A list of tasks as lines."""
    lines = [f"- {line(task)}{' ✓' if task.status == 'completed' else ''}" for task in tasks]
    return "\n".join(["Your tasks:", "", *lines]) if lines else "There are no such tasks."


def line(task: Task) -> str:
    """A task by its number, title and due date."""
    due = f", due {task.due_date.isoformat()}" if task.due_date else ""
    return f"#{task.id} “{task.title}”{due}"


def which(tasks: Iterable[Task]) -> tuple[str, tuple[str, ...]]:
    """How to ask which of these is meant, and what may be answered."""
    options = tuple(line(task) for task in tasks)
    return "Which task do you mean?", options


def asked(question: str, options: Iterable[str]) -> str:
    """A question with its options, as text."""
    lines = [f"- {option}" for option in options]
    return "\n".join([question, "", *lines]) if lines else question

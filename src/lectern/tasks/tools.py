"""The tools with which an assistant manages one reader's tasks, and nothing of anybody else.

Whoever calls hands over what a model wrote. What is wrong with it comes back as a result for the model to read, never
as an exception.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from lectern.errors import TaskNotFound, TooManyTasks
from lectern.ports import Task, TaskChanges, Tasks, Tool
from lectern.tasks.arguments import (
    KINDS,
    AddTask,
    AnyTool,
    CompleteTask,
    DeleteTask,
    ListTasks,
    UpdateTask,
    mistake_of,
    schema_of,
)
from lectern.tasks.results import ToolResult, brief, encoded, refused, task_json
from lectern.tasks.titles import matching

__all__ = ["TOOLS", "Prepared", "ToolResult", "ToolUse", "Toolbox", "refused", "task_json"]

MOST_LISTED: Final = 50
"""Most tasks of one list."""

_PAGE: Final = 200
TOOLS: Final = tuple(Tool(name, str(kind.__doc__), schema_of(kind)) for name, kind in KINDS.items())
"""All tools, as models are told of them."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool.

    Attributes:
        name: The tool's; there may be none of that name.
        arguments: Plain JSON values, not yet checked.
    """

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call whose arguments are right.

    Attributes:
        name: The tool's.
        arguments: Checked.
        number: Of the task it is about; None for a call that is about none.
        task: That task as it is now; None when there is none, or none any more.
    """

    name: str
    arguments: AnyTool
    number: int | None = None
    task: Task | None = None

    @property
    def writes(self) -> bool:
        """Whether anything is different afterwards."""
        return not isinstance(self.arguments, ListTasks)

    @property
    def use(self) -> ToolUse:
        """The call as plain JSON values, its task named by number."""
        told = self.arguments.model_dump(mode="json", exclude_unset=True, exclude={"current_title"})
        if self.number is not None:
            told["task_id"] = self.number
            if not isinstance(self.arguments, UpdateTask):
                told.pop("title", None)
        return ToolUse(self.name, told)


class Toolbox:
    """One principal's tools.

    Args:
        tasks: Where tasks are kept.
        principal_id: Whose; no argument of any call changes it.
        most_tasks: How many tasks it may have.
    """

    def __init__(self, tasks: Tasks, principal_id: str, *, most_tasks: int) -> None:
        self._tasks = tasks
        self._principal_id = principal_id
        self._most_tasks = most_tasks

    async def use(self, use: ToolUse, *, key: str | None) -> ToolResult:
        """Do a call at once.

        Args:
            use: The call.
            key: A write is done once for a key, of at most 200 characters; None does it each time.

        Raises:
            StoreUnavailable: Tasks cannot be read or written now.
        """
        prepared = await self.prepare(use)
        return prepared if isinstance(prepared, ToolResult) else await self.perform(prepared, key=key)

    async def prepare(self, use: ToolUse) -> Prepared | ToolResult:
        """Check a call and find its task, without doing it; or the result that says what is wrong.

        Raises:
            StoreUnavailable: Tasks cannot be read now.
        """
        kind = KINDS.get(use.name)
        if kind is None:
            return refused(f"There is no tool of this name. Tools: {', '.join(KINDS)}.")
        # Models fill what they leave out with null; only a due date means something by it.
        given = {name: value for name, value in use.arguments.items() if value is not None or name == "due_date"}
        try:
            arguments = kind.model_validate(given)
        except ValidationError as error:
            return refused(mistake_of(error))
        if isinstance(arguments, UpdateTask) and not _changes(arguments):
            return refused("Nothing to change: give a title, description, due_date or status.")
        if isinstance(arguments, AddTask | ListTasks):
            return Prepared(use.name, arguments)
        if arguments.task_id is not None:
            return Prepared(use.name, arguments, arguments.task_id, await self._known(arguments.task_id))
        found = await self._titled(arguments)
        return Prepared(use.name, arguments, found.id, found) if isinstance(found, Task) else found

    async def perform(self, prepared: Prepared, *, key: str | None) -> ToolResult:
        """Do a call that was prepared.

        Raises:
            StoreUnavailable: Tasks cannot be read or written now.
        """
        try:
            done = await self._perform(prepared, key=key)
        except (TaskNotFound, TooManyTasks) as error:
            return refused(error.message)
        if isinstance(prepared.arguments, ListTasks):
            told = {"tasks": [brief(task) for task in done[:MOST_LISTED]], "more": len(done) > MOST_LISTED}
            return ToolResult("success", encoded(told), tuple(done[:MOST_LISTED]))
        return ToolResult("success", encoded({"status": "success", "task": brief(done[0])}), tuple(done))

    async def everything(self) -> list[Task]:
        """All of the principal's tasks, oldest first."""
        found: list[Task] = []
        while True:
            page = await self._tasks.listed(self._principal_id, limit=_PAGE, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    async def _known(self, number: int) -> Task | None:
        """A task by its number. One that is gone may have been deleted by this very call, when it was tried before."""
        with suppress(TaskNotFound):
            return await self._tasks.get(self._principal_id, number)
        return None

    async def _titled(self, arguments: CompleteTask | DeleteTask | UpdateTask) -> Task | ToolResult:
        """The task of a title; one that fits several finds none."""
        title = arguments.current_title if isinstance(arguments, UpdateTask) else arguments.title
        if title is None:
            return refused("task_id: which task is meant has to be said")
        # Tens of milliseconds where there are hundreds of tasks.
        found = await asyncio.to_thread(matching, title, await self.everything())
        if len(found) == 1:
            return found[0]
        if not found:
            return refused("There is no task with this title. list_tasks has all of them.")
        told = {"status": "ambiguous", "candidates": [brief(task) for task in found[:MOST_LISTED]]}
        return ToolResult("ambiguous", encoded(told), tuple(found[:MOST_LISTED]))

    async def _perform(self, prepared: Prepared, *, key: str | None) -> Sequence[Task]:
        owner, arguments = self._principal_id, prepared.arguments
        if isinstance(arguments, AddTask):
            added = await self._tasks.add(
                owner,
                arguments.title,
                description=arguments.description,
                due_date=arguments.due_date,
                most=self._most_tasks,
                key=key,
            )
            return [added]
        if isinstance(arguments, ListTasks):
            status = None if arguments.status == "all" else arguments.status
            return await self._tasks.listed(owner, status=status, limit=MOST_LISTED + 1, offset=arguments.offset)
        assert prepared.number is not None
        numbers = [prepared.number]
        if isinstance(arguments, DeleteTask):
            return await self._tasks.delete(owner, numbers, key=key)
        changes = _changes(arguments) if isinstance(arguments, UpdateTask) else TaskChanges(status="completed")
        return await self._tasks.update(owner, numbers, changes, key=key)


def _changes(arguments: UpdateTask) -> TaskChanges:
    """What an update changes: what was given, and a due date also when it is to go."""
    changes = TaskChanges()
    if arguments.title is not None:
        changes["title"] = arguments.title
    if arguments.description is not None:
        changes["description"] = arguments.description
    if arguments.status is not None:
        changes["status"] = arguments.status
    if "due_date" in arguments.model_fields_set:
        changes["due_date"] = arguments.due_date
    return changes

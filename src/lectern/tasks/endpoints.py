"""`/api/{user_id}/tasks`: a signed-in reader's own tasks, one by one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from lectern.errors import IdempotencyMismatch, InvalidRequest, TaskNotFound, TooManyTasks
from lectern.ports import Task, TaskChanges, Tasks
from lectern.principal import Principal
from lectern.tasks.access import ConfigDep, KeyDep, OwnerDep, TasksDep, write_key
from lectern.tasks.arguments import LARGEST_NUMBER
from lectern.tasks.schemas import ChangedTask, Completion, NewTask, RemovedTask, StatusFilter, TaskBody, status_of
from lectern.web.openapi import problems
from lectern.web.rates import RATED

MOST_LISTED: Final = 500
"""Tasks of one answer: as many as a reader has unless the operator allows more."""

MOST_OFFSET: Final = 100_000

router = APIRouter(prefix="/api/{user_id}/tasks", tags=["tasks"], dependencies=[RATED])

TaskId = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="The task's number")]
_LIST: Final = TypeAdapter(list[TaskBody])


@router.get("", response_model=list[TaskBody])
async def list_tasks(
    owner: OwnerDep,
    tasks: TasksDep,
    status: StatusFilter = "all",
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = MOST_LISTED,
    offset: Annotated[int, Query(ge=0, le=MOST_OFFSET)] = 0,
) -> Response:
    """The reader's tasks, oldest first."""
    wanted = None if status == "all" else status
    found = await tasks.listed(owner.id, status=wanted, limit=limit, offset=offset)
    # A megabyte when descriptions are long, made and written in a thread: the loop has streams to send meanwhile.
    content = await anyio.to_thread.run_sync(lambda: _LIST.dump_json([TaskBody.of(task, owner) for task in found]))
    return Response(content, media_type="application/json")


@router.post("", status_code=201, responses=problems(TooManyTasks, IdempotencyMismatch))
async def add_task(body: NewTask, owner: OwnerDep, tasks: TasksDep, config: ConfigDep, key: KeyDep = None) -> TaskBody:
    """Add a task."""
    description = body.description or ""
    task = await tasks.add(
        owner.id,
        body.title,
        description=description,
        due_date=body.due_date,
        most=config.most_tasks,
        key=write_key(key),
    )
    _check_told(task, {"title": body.title, "description": description, "due_date": body.due_date})
    return TaskBody.of(task, owner)


@router.get("/{task_id}", responses=problems(TaskNotFound))
async def read_task(task_id: TaskId, owner: OwnerDep, tasks: TasksDep) -> TaskBody:
    """One task."""
    return TaskBody.of(await tasks.get(owner.id, task_id), owner)


@router.put("/{task_id}", operation_id="put_task", responses=problems(TaskNotFound, IdempotencyMismatch))
@router.patch("/{task_id}", operation_id="patch_task", responses=problems(TaskNotFound, IdempotencyMismatch))
async def change_task(
    task_id: TaskId, body: ChangedTask, owner: OwnerDep, tasks: TasksDep, key: KeyDep = None
) -> TaskBody:
    """Change a task; what the body leaves out stays, with `PUT` too: front ends send the fields that they know."""
    changes = body.changes()
    if not changes:
        raise InvalidRequest("Name at least one field to change: title, description, due_date, status or completed.")
    return await _changed(tasks, owner, task_id, changes, key)


@router.patch("/{task_id}/complete", responses=problems(TaskNotFound, IdempotencyMismatch))
async def complete_task(
    task_id: TaskId, owner: OwnerDep, tasks: TasksDep, body: Completion | None = None, key: KeyDep = None
) -> TaskBody:
    """Mark a task as done, or as not; without a body it becomes what it was not."""
    if body is not None and body.completed is not None:
        return await _changed(tasks, owner, task_id, {"status": status_of(body.completed)}, key)
    task = await tasks.get(owner.id, task_id)
    changes = TaskChanges(status=status_of(task.status != "completed"))
    # The same key may tell of the first time, when it was the other way round.
    return TaskBody.of(
        _check_one(await tasks.update(owner.id, [task_id], changes, key=write_key(key)), {"id": task_id}), owner
    )


@router.delete("/{task_id}", responses=problems(TaskNotFound, IdempotencyMismatch))
async def delete_task(task_id: TaskId, owner: OwnerDep, tasks: TasksDep, key: KeyDep = None) -> RemovedTask:
    """Delete a task for good."""
    _check_one(await tasks.delete(owner.id, [task_id], key=write_key(key)), {"id": task_id})
    return RemovedTask(id=task_id)


async def _changed(tasks: Tasks, owner: Principal, task_id: int, changes: TaskChanges, key: str | None) -> TaskBody:
    task = _check_one(
        await tasks.update(owner.id, [task_id], changes, key=write_key(key)), {"id": task_id} | dict(changes)
    )
    return TaskBody.of(task, owner)


def _check_one(told: Sequence[Task], wanted: Mapping[str, object]) -> Task:
    """The one task that was written."""
    if len(told) != 1:
        raise IdempotencyMismatch
    _check_told(told[0], wanted)
    return told[0]


def _check_told(task: Task, wanted: Mapping[str, object]) -> None:
    """Check that a write is the one that was asked for: what is told again for a key may be of another request.

    Raises:
        IdempotencyMismatch: It is another one's.
    """
    if any(getattr(task, name) != value for name, value in wanted.items()):
        raise IdempotencyMismatch

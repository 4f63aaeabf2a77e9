"""The statements of tasks, and how a task becomes a row or JSON and comes back. No connection is opened here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any, Final, cast

from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert, literal, select, update

from lectern.adapters.sql_task_models import ConfirmationRow, TaskListRow, TaskRow, TaskTurnRow, TaskWriteRow
from lectern.adapters.sql_types import AnyText, Moment
from lectern.errors import TaskNotFound
from lectern.ports import Task, TaskStatus

LARGEST_NUMBER: Final = 2**31 - 1
"""What Postgres keeps in an INTEGER."""

PRINCIPAL: Final = bindparam("principal", type_=AnyText())

LOCK: Final = (
    update(TaskListRow).where(TaskListRow.principal_id == PRINCIPAL).values(last_number=TaskListRow.last_number)
)
"""Changes nothing, and puts who writes in line: by the row on Postgres, by the one writer on SQLite.

It comes first in each write, so that what is read after it is what nobody else changes.
"""

_COUNTED: Final = select(func.count()).where(TaskRow.principal_id == PRINCIPAL).scalar_subquery()
_WITH_KEY: Final = (TaskWriteRow.principal_id == PRINCIPAL, TaskWriteRow.key == bindparam("key"))
WRITTEN: Final = select(TaskWriteRow.action, TaskWriteRow.result).where(*_WITH_KEY)
LOOK: Final = (
    select(TaskListRow.last_number, _COUNTED.label("tasks"), TaskWriteRow.action, TaskWriteRow.result)
    .select_from(TaskListRow)
    .outerjoin(TaskWriteRow, and_(*_WITH_KEY))
    .where(TaskListRow.principal_id == PRINCIPAL)
)
"""The last number, how many tasks there are, and what a write with this key was, if there was one."""

ADD: Final = insert(TaskRow)
COUNT_ON: Final = (
    update(TaskListRow).where(TaskListRow.principal_id == PRINCIPAL).values(last_number=bindparam("number"))
)
REMEMBER: Final = insert(TaskWriteRow)

_MINE: Final = select(TaskRow).where(TaskRow.principal_id == PRINCIPAL)
ONE: Final = _MINE.where(TaskRow.number == bindparam("number"))
_NAMED: Final = (TaskRow.principal_id == PRINCIPAL, TaskRow.number.in_(bindparam("numbers", expanding=True)))
NAMED: Final = select(TaskRow).where(*_NAMED)
DELETE: Final = delete(TaskRow).where(*_NAMED)
OF_PRINCIPAL: Final = delete(TaskRow).where(TaskRow.principal_id == PRINCIPAL)
_OTHERS: Final = (TaskListRow, TaskWriteRow, TaskTurnRow, ConfirmationRow)
FORGET: Final = tuple(delete(table).where(table.principal_id == PRINCIPAL) for table in _OTHERS)
"""What else there is of a principal."""


def page(status: TaskStatus | None) -> Select[Any]:
    """A principal's tasks after a number, in the order they came in; of a status only, when one is named."""
    tasks = _MINE.where(TaskRow.number > bindparam("after"))
    tasks = tasks if status is None else tasks.where(TaskRow.status == status)
    return tasks.order_by(TaskRow.number).limit(bindparam("most")).offset(bindparam("skipped"))


def changed(values: Mapping[str, Any], now: datetime) -> Any:  # noqa: ANN401 - an update
    """Gives tasks these values; one that is done already was done when it was."""
    values = dict(values) | {"updated_at": now}
    if "status" in values:
        done_at = func.coalesce(TaskRow.completed_at, literal(now, Moment()))
        values["completed_at"] = done_at if values["status"] == "completed" else None
    return update(TaskRow).where(*_NAMED).values(values)


def begin_list(dialect: str) -> Any:  # noqa: ANN401 - the dialects' inserts share no type
    """As `LOCK`, for who may have no tasks yet."""
    begin = import_module(f"sqlalchemy.dialects.{dialect}").insert(TaskListRow)
    return begin.on_conflict_do_update(
        index_elements=[TaskListRow.principal_id], set_={"last_number": TaskListRow.last_number}
    )


def known_numbers(task_ids: Sequence[int]) -> list[int]:
    """Each number once, in the order given.

    Raises:
        TaskNotFound: One is no task's, as no database keeps such a number.
    """
    if not all(0 < number <= LARGEST_NUMBER for number in task_ids):
        raise TaskNotFound
    return list(dict.fromkeys(task_ids))


def task_of(row: Row[Any]) -> Task:
    """A task as the core knows it."""
    return Task(
        id=row.number,
        title=row.title,
        description=row.description,
        status=cast("TaskStatus", row.status),
        due_date=row.due_date,
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
    )


def row_of(principal_id: str, task: Task) -> dict[str, Any]:
    """The values of a task's row."""
    values = asdict(task)
    return {"principal_id": principal_id, "number": values.pop("id")} | values


def as_json(task: Task) -> dict[str, Any]:
    """A task as a plain JSON object."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(task).items()}


def of_json(kept: Mapping[str, Any]) -> Task:
    """The task that `as_json` wrote."""
    completed, due = kept["completed_at"], kept["due_date"]
    return Task(
        id=kept["id"],
        title=kept["title"],
        description=kept["description"],
        status=kept["status"],
        due_date=None if due is None else date.fromisoformat(due),
        created_at=_moment(kept["created_at"]),
        updated_at=_moment(kept["updated_at"]),
        completed_at=None if completed is None else _moment(completed),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

"""Readers' tasks on a SQL database: one short transaction a verb, and each write of a principal after the other.

A write's first statement locks its principal's row of `task_lists` (see `sql_task_statements.LOCK`), so that numbers,
the limit and keys hold whoever writes at the same time. Whose a task is, is a condition of each statement.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Literal, cast
from uuid import uuid4

from sqlalchemy import Connection, Row

from lectern.adapters import sql_task_statements as sql
from lectern.adapters.sql_batches import batches
from lectern.adapters.sql_database import Database
from lectern.adapters.sql_task_turns import SqlTaskTurns, known_key
from lectern.adapters.sql_types import storable
from lectern.errors import IdempotencyMismatch, TaskNotFound, TooManyTasks
from lectern.ports import Task, TaskChanges, TaskStatus

Action = Literal["add", "update", "delete"]


class SqlTasks(SqlTaskTurns):
    """Implements `lectern.ports.Tasks`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._begin_list = sql.begin_list(database.dialect)

    async def add(
        self,
        principal_id: str,
        title: str,
        *,
        description: str = "",
        due_date: date | None = None,
        most: int,
        key: str | None = None,
    ) -> Task:
        """Five statements. Without a key it gets one of its own, so that it is done once, too, when it is tried again.

        Raises:
            TooManyTasks: There are as many already.
            IdempotencyMismatch: The key was used for another verb.
            ValueError: The key is too long.
        """
        known = known_key(key if key is not None else f"once:{uuid4()}")
        principal = {"principal": principal_id}

        def add(connection: Connection) -> Task:
            connection.execute(self._begin_list, {"principal_id": principal_id, "last_number": 0})
            found = connection.execute(sql.LOOK, principal | {"key": known}).one()
            if found.action is not None:
                [task] = _told_again(found, "add")
                return task
            if found.tasks >= most:
                raise TooManyTasks
            now = datetime.now(UTC)
            number = found.last_number + 1
            task = Task(number, storable(title), storable(description), "pending", due_date, now, now)
            connection.execute(sql.ADD, sql.row_of(principal_id, task))
            connection.execute(sql.COUNT_ON, principal | {"number": number})
            _remember(connection, principal_id, known, "add", [task])
            return task

        return await self._database.run(add, writes=True, again=True)

    async def listed(
        self, principal_id: str, *, status: TaskStatus | None = None, limit: int, offset: int = 0, after: int = 0
    ) -> list[Task]:
        """One statement."""
        parameters = {"principal": principal_id, "most": limit, "skipped": offset, "after": after}
        statement = sql.page(status)
        rows = await self._database.run(lambda connection: connection.execute(statement, parameters).all(), again=True)
        return [sql.task_of(row) for row in rows]

    async def get(self, principal_id: str, task_id: int) -> Task:
        """One statement.

        Raises:
            TaskNotFound: There is none with this number.
        """
        [number] = sql.known_numbers([task_id])
        parameters = {"principal": principal_id, "number": number}
        row = await self._database.run(lambda connection: connection.execute(sql.ONE, parameters).first(), again=True)
        if row is None:
            raise TaskNotFound
        return sql.task_of(row)

    async def update(
        self, principal_id: str, task_ids: Sequence[int], changes: TaskChanges, *, key: str | None = None
    ) -> list[Task]:
        """Three statements, and two more for a key. A task that is so already stays as it is.

        Raises:
            TaskNotFound: There is none with one of the numbers.
            IdempotencyMismatch: The key was used for another verb.
            ValueError: The key is too long.
        """
        wanted = cast("TaskChanges", storable(dict(changes)))

        def update(connection: Connection, tasks: list[Task]) -> list[Task]:
            now = datetime.now(UTC)
            changed = {task.id: _changed(task, wanted, now) for task in tasks}
            numbers = [task.id for task in tasks if changed[task.id] is not task]
            if numbers:
                statement = sql.changed(wanted, now)
                for batch in batches(numbers):
                    connection.execute(statement, {"principal": principal_id, "numbers": batch})
            return list(changed.values())

        return await self._write("update", principal_id, task_ids, key, update)

    async def delete(self, principal_id: str, task_ids: Sequence[int], *, key: str | None = None) -> list[Task]:
        """Three statements, and two more for a key; with one it is told again, without it a second one finds none.

        Raises:
            TaskNotFound: There is none with one of the numbers.
            IdempotencyMismatch: The key was used for another verb.
            ValueError: The key is too long.
        """

        def delete(connection: Connection, tasks: list[Task]) -> list[Task]:
            for batch in batches([task.id for task in tasks]):
                connection.execute(sql.DELETE, {"principal": principal_id, "numbers": batch})
            return tasks

        return await self._write("delete", principal_id, task_ids, key, delete)

    async def delete_tasks_of(self, principal_id: str) -> int:
        """Six statements. Numbers begin anew afterwards: nothing is left to tell that some were given."""
        parameters = {"principal": principal_id}

        def forget(connection: Connection) -> int:
            connection.execute(sql.LOCK, parameters)
            tasks = connection.execute(sql.OF_PRINCIPAL, parameters).rowcount
            for statement in sql.FORGET:
                connection.execute(statement, parameters)
            return tasks

        return await self._database.run(forget, writes=True, again=True)

    async def _write(
        self,
        action: Action,
        principal_id: str,
        task_ids: Sequence[int],
        key: str | None,
        change: Callable[[Connection, list[Task]], list[Task]],
    ) -> list[Task]:
        """Do something to all of these tasks, or to none; what was done with this key is only told again."""
        known = None if key is None else known_key(key)
        numbers = sql.known_numbers(task_ids)
        if not numbers:
            return []
        principal = {"principal": principal_id}

        def write(connection: Connection) -> list[Task]:
            if not connection.execute(sql.LOCK, principal).rowcount:
                raise TaskNotFound
            if known is not None:
                before = connection.execute(sql.WRITTEN, principal | {"key": known}).first()
                if before is not None:
                    return _told_again(before, action)
            rows = [
                row
                for batch in batches(numbers)
                for row in connection.execute(sql.NAMED, principal | {"numbers": batch})
            ]
            tasks = {row.number: sql.task_of(row) for row in rows}
            if len(tasks) < len(numbers):
                raise TaskNotFound
            result = change(connection, [tasks[number] for number in numbers])
            if known is not None:
                _remember(connection, principal_id, known, action, result)
            return result

        return await self._database.run(write, writes=True, again=action == "update" or key is not None)


def _remember(connection: Connection, principal_id: str, key: str, action: Action, result: Sequence[Task]) -> None:
    """Keep what a write with a key returns."""
    row: dict[str, Any] = {"principal_id": principal_id, "key": key, "action": action}
    row |= {"result": [sql.as_json(task) for task in result], "created_at": datetime.now(UTC)}
    connection.execute(sql.REMEMBER, row)


def _told_again(written: Row[Any], action: Action) -> list[Task]:
    """What a write with this key returned.

    Raises:
        IdempotencyMismatch: It was another verb's, so its result would be no answer to this one.
    """
    if written.action != action:
        raise IdempotencyMismatch
    return [sql.of_json(task) for task in written.result]


def _changed(task: Task, changes: TaskChanges, now: datetime) -> Task:
    """The task with these changes; the very same when it is so already."""
    changed = replace(task, **changes)
    if changed == task:
        return task
    done_at = None if changed.status == "pending" else task.completed_at or now
    return replace(changed, updated_at=now, completed_at=done_at)

"""Readers' tasks, and what keeps an assistant from doing something twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypedDict

TaskStatus = Literal["pending", "completed"]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of one principal.

    Attributes:
        id: Its number among its owner's tasks, from 1; never given twice.
        title: One line, never empty.
        description: More about it, or empty.
        status: Whether it is done.
        due_date: When it is due; None when that was not said.
        created_at: UTC.
        updated_at: When anything of it changed last, UTC.
        completed_at: When it was done, UTC; None while it is not.
    """

    id: int
    title: str
    description: str
    status: TaskStatus
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


class TaskChanges(TypedDict, total=False):
    """What is to be different; a field that is not named stays."""

    title: str
    description: str
    status: TaskStatus
    due_date: date | None


@dataclass(frozen=True, slots=True)
class TurnClaim:
    """How it stands with a turn of an assistant that has a key.

    Attributes:
        state: `mine`: the caller does it now; `running`: somebody else does; `done`: it is over.
        response: What was answered, as a plain JSON object, when it is over; else None.
    """

    state: Literal["mine", "running", "done"]
    response: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an assistant wants to do and has asked for.

    Attributes:
        id: UUID, as text; writes that it leads to have keys made of it.
        calls: The tool calls, as plain JSON objects.
        question: How it asked.
        asked_at: UTC.
    """

    id: str
    calls: Sequence[Mapping[str, Any]]
    question: str
    asked_at: datetime


RememberedKind = Literal["write", "turn", "confirmation"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept of a principal for a while so that nothing is done twice.

    Attributes:
        kind: A write that had a key, a turn that had one, or what an assistant has asked.
        key: Its key; of what was asked, the id of the conversation.
        at: When it began, UTC.
        content: What the write returned, the turn answered (None while it is under way), or the question and the tool
            calls, as a plain JSON value.
    """

    kind: RememberedKind
    key: str
    at: datetime
    content: Any


class Tasks(Protocol):
    """Whose a task is, is part of each statement: no verb sees or touches another's. One short transaction a verb.

    A write with a `key` is done once: the same principal's write with the same key does nothing the second time and
    returns what the first returned, whatever else it says; by another verb it raises `IdempotencyMismatch`. Every verb
    raises `StoreUnavailable` when it cannot be done now.
    """

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
        """Keep a new task.

        Args:
            principal_id: Whose.
            title: One line.
            description: More about it.
            due_date: When it is due.
            most: How many tasks it may have.
            key: At most 200 characters.

        Raises:
            TooManyTasks: It has as many already.
        """
        ...

    async def listed(
        self, principal_id: str, *, status: TaskStatus | None = None, limit: int, offset: int = 0, after: int = 0
    ) -> list[Task]:
        """Its tasks, oldest first; of one status only, when that is named.

        Args:
            principal_id: Whose.
            status: Of which status; None for both.
            limit: Most tasks; fewer come only at the end.
            offset: How many of the oldest to leave out.
            after: Only those with a larger number: pages by it miss none when others are deleted meanwhile.
        """
        ...

    async def get(self, principal_id: str, task_id: int) -> Task:
        """One task.

        Raises:
            TaskNotFound: It has none with this number.
        """
        ...

    async def update(
        self, principal_id: str, task_ids: Sequence[int], changes: TaskChanges, *, key: str | None = None
    ) -> list[Task]:
        """Change all of these, or none; returns them as they are then, in the order asked for.

        Raises:
            TaskNotFound: It has no task with one of the numbers.
        """
        ...

    async def delete(self, principal_id: str, task_ids: Sequence[int], *, key: str | None = None) -> list[Task]:
        """Delete all of these for good, or none; returns them as they were.

        Raises:
            TaskNotFound: It has no task with one of the numbers.
        """
        ...

    async def delete_tasks_of(self, principal_id: str) -> int:
        """Delete all that is kept here of a principal for good; returns how many tasks there were."""
        ...

    async def remembered(
        self, principal_id: str, kind: RememberedKind, *, after: str | None = None, limit: int
    ) -> list[Remembered]:
        """A page of what is remembered of a principal, by its key.

        Args:
            principal_id: Whose.
            kind: Of what.
            after: The last key of the page before; None for the first page.
            limit: Most entries; fewer come only at the end.
        """
        ...

    async def begin_turn(self, principal_id: str, key: str, *, digest: str, seconds: float) -> TurnClaim:
        """Claim a turn of the assistant: of those who send one at once, one does it.

        Args:
            principal_id: Whose.
            key: The client's idempotency key, at most 200 characters.
            digest: Of the request, in hexadecimal.
            seconds: When others may claim it if it has not been finished or released by then.

        Raises:
            IdempotencyMismatch: The key was used for another request.
        """
        ...

    async def finish_turn(self, principal_id: str, key: str, response: Mapping[str, Any]) -> None:
        """Keep what was answered, for those who ask again."""
        ...

    async def release_turn(self, principal_id: str, key: str) -> None:
        """Give up a turn that was not finished, so that it may be tried again at once."""
        ...

    async def ask(self, principal_id: str, conversation_id: str, confirmation: Confirmation) -> None:
        """Keep what was asked in a conversation, instead of what was asked there before."""
        ...

    async def asked(self, principal_id: str, conversation_id: str) -> Confirmation | None:
        """What was asked last in a conversation and has not been settled."""
        ...

    async def settle(self, principal_id: str, conversation_id: str, confirmation_id: str) -> None:
        """Forget what was asked: it was answered, one way or the other."""
        ...

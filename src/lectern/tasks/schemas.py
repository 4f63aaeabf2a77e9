"""The bodies of the task API, as to-do front ends send and read them."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema, model_validator

from lectern.ports import Task, TaskChanges, TaskStatus
from lectern.principal import Principal
from lectern.tasks.arguments import MOST_DESCRIPTION_CHARACTERS, MOST_TITLE_CHARACTERS, Day, Description, Title

StatusFilter = Literal["all", "pending", "completed"]


TitleField = Annotated[
    Title,
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MOST_TITLE_CHARACTERS, "pattern": r"\S"}),
]
DescriptionField = Annotated[
    Description | None,
    WithJsonSchema({"type": ["string", "null"], "maxLength": MOST_DESCRIPTION_CHARACTERS}),
]
DayField = Annotated[Day, WithJsonSchema({"type": ["string", "null"], "format": "date"})]


class TaskBody(BaseModel):
    """One task."""

    id: int = Field(description="Its number among its owner's tasks, never given twice")
    user_id: str = Field(description="Whose it is, as the address has it")
    title: str
    description: str
    status: TaskStatus
    completed: bool = Field(description="Whether `status` is `completed`")
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, task: Task, owner: Principal) -> Self:
        """A task as its owner's front end reads it."""
        return cls(
            id=task.id,
            user_id=owner.subject,
            title=task.title,
            description=task.description,
            status=task.status,
            completed=task.status == "completed",
            due_date=task.due_date,
            created_at=task.created_at,
            updated_at=task.updated_at,
            completed_at=task.completed_at,
        )


class NewTask(BaseModel):
    """A task to add."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Buy milk", "due_date": "2026-12-01"}]})

    title: TitleField = Field(description="One line; blanks around and between words count once")
    description: DescriptionField = None
    due_date: DayField = Field(None, description="The day it is due")


class ChangedTask(BaseModel):
    """What is to be different; what is left out stays. `completed` and `status` are two names of one field."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Buy oat milk"}, {"completed": True}]})

    title: TitleField | None = None
    description: DescriptionField = Field(None, description="Null empties it")
    due_date: DayField = Field(None, description="Null: it is due on no day any more")
    status: TaskStatus | None = None
    completed: StrictBool | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.status is not None and self.completed is not None and self.completed != (self.status == "completed"):
            msg = "completed and status must say the same"
            raise ValueError(msg)
        return self

    def changes(self) -> TaskChanges:
        """The same as the store wants it; empty when there is nothing to change."""
        changes = TaskChanges()
        if self.title is not None:
            changes["title"] = self.title
        if "description" in self.model_fields_set:
            changes["description"] = self.description or ""
        if "due_date" in self.model_fields_set:
            changes["due_date"] = self.due_date
        status = self.status or _STATUS.get(self.completed)
        if status is not None:
            changes["status"] = status
        return changes


class Completion(BaseModel):
    """Whether a task is done. Without a body, or without the field, it becomes what it was not."""

    completed: StrictBool | None = None


class RemovedTask(BaseModel):
    """A task that is gone."""

    message: str = "The task was deleted."
    id: int


_STATUS: dict[bool | None, TaskStatus] = {True: "completed", False: "pending"}


def status_of(completed: bool) -> TaskStatus:  # noqa: FBT001 - the field of the body
    """The status that `completed` stands for."""
    return _STATUS[completed]

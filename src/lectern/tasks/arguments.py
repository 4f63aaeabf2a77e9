"""What the tools take: checked here, and described here for models and other people's agents.

`user_id` is accepted and thrown away: front ends and models send it, and whose the tasks are is known already.
"""

import re
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from lectern.web.texts import Text

MOST_TITLE_CHARACTERS: Final = 200
MOST_DESCRIPTION_CHARACTERS: Final = 2000
LARGEST_NUMBER: Final = 2**31 - 1
"""Largest task number that the database keeps."""

_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")
_NUMBER: Final = re.compile(r"#?(\d{1,10})", re.ASCII)


def _one_line(text: str) -> str:
    line = " ".join(text.translate(_CONTROLS).split())
    if not line:
        msg = "must not be empty"
        raise ValueError(msg)
    if len(line) > MOST_TITLE_CHARACTERS:
        msg = f"must have at most {MOST_TITLE_CHARACTERS} characters"
        raise ValueError(msg)
    return line


def _number(value: object) -> object:
    """A number as models write it: `3`, `"3"` or `"#3"`; no truth value, no fraction."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value.strip())):
        return int(found[1])
    if isinstance(value, bool | float) or not isinstance(value, int):
        msg = "must be the number of a task"
        raise ValueError(msg)  # noqa: TRY004 - only of this one pydantic tells
    return value


def _day(value: object) -> object:
    """A day as text: pydantic would take a number for a moment. An empty text is no day."""
    if value is not None and not isinstance(value, str):
        msg = "must be a day as YYYY-MM-DD"
        raise ValueError(msg)
    return (value or "").strip()[:10] or None


_TITLE_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MOST_TITLE_CHARACTERS}
Title = Annotated[Text, AfterValidator(_one_line), WithJsonSchema(_TITLE_SCHEMA)]
Description = Annotated[
    Text,
    Field(max_length=MOST_DESCRIPTION_CHARACTERS),
    WithJsonSchema({"type": "string", "maxLength": MOST_DESCRIPTION_CHARACTERS}),
]
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER), BeforeValidator(_number)]
Day = Annotated[
    date | None, BeforeValidator(_day), WithJsonSchema({"type": ["string", "null"], "description": "YYYY-MM-DD"})
]


class Arguments(BaseModel):
    """What every tool takes: what it does not know is ignored."""

    model_config = ConfigDict(extra="ignore")


class AddTask(Arguments):
    """Add a task to the reader's list."""

    title: Title = Field(description="What is to be done, in the reader's own words")
    description: Description = Field("", description="More about it, only if the reader said more")
    due_date: Day = Field(None, description="When it is due, as YYYY-MM-DD, only if the reader said so")


class ListTasks(Arguments):
    """List the reader's tasks with their numbers, oldest first, at most 50 at once."""

    status: Literal["all", "pending", "completed"] = Field("all", description="Which of them")
    offset: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] = Field(0, description="How many of the oldest to leave out")


class OneTask(Arguments):
    """Which task is meant: by its number, or by words of its title."""

    task_id: Number | None = Field(None, description="The task's number")


class CompleteTask(OneTask):
    """Mark one task as done."""

    title: Title | None = Field(None, description="Its title or words of it, when its number is not known")


class DeleteTask(OneTask):
    """Delete one task for good."""

    title: Title | None = Field(None, description="Its title or words of it, when its number is not known")


class UpdateTask(OneTask):
    """Change one task; what is left out stays as it is."""

    current_title: Title | None = Field(None, description="Its title or words of it now, when its number is not known")
    title: Title | None = Field(None, description="The new title")
    description: Description | None = Field(None, description="The new description")
    due_date: Day = Field(None, description="The new due date, as YYYY-MM-DD; null removes it")
    status: Literal["pending", "completed"] | None = Field(None, description="The new status")


AnyTool = AddTask | ListTasks | CompleteTask | UpdateTask | DeleteTask

KINDS: Final[dict[str, type[AnyTool]]] = {
    "add_task": AddTask,
    "list_tasks": ListTasks,
    "complete_task": CompleteTask,
    "update_task": UpdateTask,
    "delete_task": DeleteTask,
}
"""What each tool takes, by the tool's name."""


def schema_of(kind: type[AnyTool]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments, without the titles that pydantic makes of names."""
    schema = kind.model_json_schema()
    properties = {name: _untitled(described) for name, described in schema["properties"].items()}
    return {"type": "object", "properties": properties, "required": schema.get("required", [])}


def mistake_of(error: ValidationError) -> str:
    """What is wrong with the arguments, in one line, without what they were."""
    told = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg'].removeprefix('Value error, ')}"
        for each in told[:3]
    )


def _untitled(described: dict[str, Any]) -> dict[str, Any]:
    """A property as models read it best: `X or null` is told as X, as it may be left out; no pattern that all know."""
    kept = {name: value for name, value in described.items() if name not in {"title", "default", "pattern"}}
    choices = [choice for choice in kept.pop("anyOf", []) if choice != {"type": "null"}]
    return (choices[0] | kept) if choices else kept

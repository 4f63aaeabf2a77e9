"""What a tool is to the server: how agents see it, what it takes, and what a call of it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mcp_types import Tool
from pydantic import BaseModel, ValidationError

from lectern.mcp.asker import Asker
from lectern.web.problems import invalid_request

Arguments = TypeVar("Arguments", bound=BaseModel)

_OF_ARGUMENTS: Final = ("type", "properties", "required", "additionalProperties")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gives.

    Attributes:
        text: For a model to read.
        data: The same for a program, as the tool's output schema says; None where nothing was done, and the text says
            why.
    """

    text: str
    data: BaseModel | None


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool on the list.

    Attributes:
        definition: Name, description, schemas and hints.
        use: Calls it with arguments as they came. Raises `LecternError`, `InvalidRequest` for wrong arguments.
        for_people: Whether it is about what a person has here, so that only who is signed in is offered it. Who is not
            and calls it anyway is told to sign in.
    """

    definition: Tool
    use: Callable[[Mapping[str, Any], Asker], Awaitable[Outcome]]
    for_people: bool = False


def schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of arguments, without what is said of the class that checks them."""
    schema = kind.model_json_schema()
    return {name: schema[name] for name in _OF_ARGUMENTS if name in schema}


def checked(kind: type[Arguments], arguments: Mapping[str, Any]) -> Arguments:
    """The arguments, checked.

    Raises:
        InvalidRequest: They are wrong; the message says which and how.
    """
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        raise invalid_request(error.errors()) from None

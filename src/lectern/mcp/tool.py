"""What a tool is to the server: how agents see it, and what a call of it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import Tool
from pydantic import BaseModel

from lectern.mcp.asker import Asker


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
        use: Calls it with arguments as they came. Raises `LecternError`, and `ValidationError` for wrong arguments.
        for_people: Whether it is about what a person has here, so that only who is signed in is offered it. Who is not
            and calls it anyway is told to sign in.
    """

    definition: Tool
    use: Callable[[Mapping[str, Any], Asker], Awaitable[Outcome]]
    for_people: bool = False

"""The fields that both of OpenAI's requests have. What this service cannot do is refused with a word on why.

Parameters that only tune a model, such as `temperature`, are taken and not looked at, as are fields that are not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StrictBool, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from lectern.web.texts import SAYS_SOMETHING, Text, readable

ROLES: Final = ("system", "developer", "user", "assistant")
_TEXT_KEYS: Final = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""By the type of a part: the field that has its text."""

_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Only:
    """Metadata of a field that may have one of these values, and else is refused with a reason."""

    allowed: tuple[object, ...]
    why: str

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checks the value."""
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Lists the values."""
        return {"enum": list(self.allowed), "description": f"Else refused: {self.why}"}

    def _check(self, value: object) -> object:
        # Of one type too, as Python takes True for 1.
        if not any(type(value) is type(each) and value == each for each in self.allowed):
            raise _refusal(self.why)
        return value


def only(*allowed: object, why: str) -> Only:
    """What a field may be, and why nothing else."""
    return Only(allowed, why)


def _refusal(text: str) -> ValueError:
    """Of this kind alone pydantic tells the client."""
    return ValueError(text)


def _named(value: object) -> str:
    return repr(value)[:_SHOWN_CHARACTERS]


def _role(value: object) -> object:
    if value in ("tool", "function"):
        raise _refusal("messages of tools are not taken, as this model calls none")
    if not isinstance(value, str) or value not in ROLES:
        raise _refusal(f"must be one of {', '.join(ROLES)}, not {_named(value)}")
    return value


def _text(value: object) -> str:
    """The text of a message's content, which is one or a list of parts; nothing is as no text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return readable(value)
    if not isinstance(value, list):
        raise _refusal("must be a text or a list of parts")
    return readable("\n".join(_part(part) for part in value))


def _part(part: object) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or not isinstance(kind, str):
        raise _refusal("each part must be an object with a type")
    if kind not in _TEXT_KEYS:
        raise _refusal(f"parts of type {_named(kind)} are not taken: this model reads text only")
    text = part.get(_TEXT_KEYS[kind])
    if not isinstance(text, str):
        raise _refusal(f"a part of type {kind} must have its text in {_TEXT_KEYS[kind]!r}")
    return text


def _content_schema(pattern: str, fewest_parts: int = 0) -> dict[str, Any]:
    parts = [
        {
            "type": "object",
            "properties": {"type": {"const": kind}, key: {"type": "string", "pattern": pattern}},
            "required": ["type", key],
        }
        for kind, key in _TEXT_KEYS.items()
    ]
    return {
        "anyOf": [
            {"type": "string", "pattern": pattern},
            {"type": "array", "items": {"anyOf": parts}, "minItems": fewest_parts},
        ]
    }


def asks(message: str) -> dict[str, Any]:
    """For OpenAPI: that one of the messages is a user's, and says something.

    Args:
        message: What the list is of.
    """
    said = {"role": {"const": "user"}, "content": _content_schema(SAYS_SOMETHING, 1)}
    return {"contains": {"type": "object", "properties": said, "required": list(said)}, "description": message}


_NO_NUL: Final = r"^[^\u0000]*$"

Role = Annotated[str, BeforeValidator(_role), WithJsonSchema({"enum": list(ROLES)})]
Content = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [*_content_schema(_NO_NUL)["anyOf"], {"type": "null"}]}),
]
Model = Annotated[
    Text, Field(description="`lectern`, or `lectern/<site>` to be answered from one site", max_length=200)
]
Stream = Annotated[StrictBool | None, Field(description="Send the answer while it is made")]

_NO_TOOLS: Final = "this model calls no tools: leave it out, or send auto or none"
ToolChoice = Annotated[Any, only(None, "auto", "none", why=_NO_TOOLS)]
PlainText = Annotated[Any, only(None, {"type": "text"}, why="answers are prose: leave it out, or ask for type text")]

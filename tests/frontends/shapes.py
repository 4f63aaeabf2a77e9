"""What a front end reads of a body: the fields' names and types. A field more than it knows does not trouble it."""

from datetime import datetime
from typing import Any
from uuid import UUID


def has(body: Any, **kinds: type | tuple[type, ...]) -> None:
    """The body is an object with these fields of these types; a float may be whole."""
    assert isinstance(body, dict), body
    for name, kind in kinds.items():
        assert name in body, (name, body)
        value = body[name]
        wanted = (int, float) if kind is float else kind
        assert isinstance(value, wanted), (name, value)
        assert not isinstance(value, bool) or kind is bool, (name, value)


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as the clients write one."""
    return str(UUID(text)) == text


def is_moment(text: str) -> bool:
    """Whether `new Date(text)` is a moment that means the same in every time zone."""
    return datetime.fromisoformat(text).tzinfo is not None


def is_error(body: Any) -> None:
    """What both front ends show of a failure: `detail` (a text, or a list of `{msg}`), and `{error, message}`."""
    has(body, detail=(str, list), error=str, message=str)
    shown = body["detail"] if isinstance(body["detail"], str) else body["detail"][0]["msg"]
    for text in (shown, body["error"], body["message"]):
        assert 0 < len(text) <= 300
        assert "Traceback" not in text

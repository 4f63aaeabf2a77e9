"""How wrong settings are told: one message that names them all."""

import re

from pydantic import ValidationError
from pydantic_settings import BaseSettings

_LOGIN = re.compile(r"//[^/\s]*@")
_KEY = re.compile(r"(sk|pk|gsk|hf|co|napi|npg|ghp|xox[a-z])[-_]", re.IGNORECASE)  # providers begin theirs so
_OBJECT = re.compile(r"\s*\{")  # as a JSON key, be it a private one
_LONG_WORD = re.compile(r"[\w+=-]{20,}")
_SHOWN_CHARACTERS = 80


class ConfigError(Exception):
    """One message that names each wrong variable, what it held and what it wants. Never a secret's value."""


def wrong_fields(error: ValidationError) -> list[str]:
    """The names of the fields that are wrong, each once."""
    return list(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors(include_url=False, include_context=False)))


def explain(model: type[BaseSettings], error: ValidationError) -> str:
    """One line a wrong variable: its name, what it held, what it wants."""
    lines = ["Lectern cannot start: wrong settings."]
    for fault in error.errors(include_url=False, include_context=False):
        field_name = str(fault["loc"][0])
        field = model.model_fields[field_name]
        held = "a secret value" if "Secret" in str(field.annotation) else _shown(fault["input"])
        wants = fault["msg"].removeprefix("Value error, ")
        lines.append(f"  {field_name.upper()} held {held}; it wants: {wants} ({field.description}).")
    return "\n".join(lines)


def may_hold_secret(text: str) -> bool:
    """Whether a value may be or hold a secret that was put into the wrong variable."""
    found = _KEY.match(text) or _OBJECT.match(text) or _LOGIN.search(text) or _LONG_WORD.search(text)
    return bool(found or "?" in text or "=" in text)


def _shown(value: object) -> str:
    """The value for people, unless it may hold a secret."""
    text = str(value)
    if may_hold_secret(text):
        return "a value that is not shown, as it may hold a secret"
    return repr(value) if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]!r}…"

"""How wrong settings are told: one message that names them all."""

import os

from pydantic import ValidationError
from pydantic_settings import BaseSettings


class ConfigError(Exception):
    """One message that names each wrong variable, what it held and what it wants. Never a secret's value."""


def explain(model: type[BaseSettings], error: ValidationError) -> str:
    """One line a wrong variable: its name, what it held, what it wants."""
    lines = ["Lectern cannot start: wrong settings."]
    for fault in error.errors(include_url=False, include_context=False):
        field_name = str(fault["loc"][0])
        field = model.model_fields[field_name]
        secret = "Secret" in str(field.annotation)
        held = "a secret value" if secret else repr(os.environ.get(field_name.upper(), fault["input"]))
        wants = fault["msg"].removeprefix("Value error, ")
        lines.append(f"  {field_name.upper()} held {held}; it wants: {wants} ({field.description}).")
    return "\n".join(lines)

"""What readers tell of themselves, in the fields of any front end, as one line that a chapter is adapted by.

The line is data for the model, made of words that anybody may have typed: it is short, has no line ends and none of the
signs that prompts, tags and code are made of. It decides the cache's key, so what means the same reads the same.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

Told = str | Sequence[str]
"""A text, or a list of words."""

MOST_VALUE_CHARACTERS: Final = 200
MOST_CHARACTERS: Final = 600
"""Longest summary: a hundred words, which cost as much as one short paragraph in each request to the model."""

_FIELDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("level", ("programming_level", "programmingLevel", "proficiency")),
    ("technical background", ("technical_background", "technicalBackground")),
    ("hardware background", ("hardware_background", "hardwareBackground")),
    ("hardware at hand", ("hardware_access", "hardwareAccess")),
    ("learning goals", ("learning_goals", "learningGoals")),
)
"""What is said of a reader, and the names of the fields that say it; the first that is filled in counts."""

_LEVELS: Final = {"novice": "beginner", "pro": "advanced", "professional": "advanced", "expert": "advanced"}
"""Words of one front end for what another one calls otherwise."""

_SIGNS: Final = re.compile(r"[<>{}\[\]`\\|\"“”]+")


def summary_of(told: Mapping[str, Told | None]) -> str:
    """The line, as `level: beginner; learning goals: robots`; empty when nothing was told.

    Args:
        told: What was told, by the names of any front end; other fields count for nothing.
    """
    parts = []
    for label, names in _FIELDS:
        value = next((text for name in names if (text := _one_line(told.get(name)))), "")
        if label == "level":
            value = _LEVELS.get(value.casefold(), value.casefold())
        if value:
            parts.append(f"{label}: {value}")
    return _cut("; ".join(parts), MOST_CHARACTERS)


def _one_line(value: Told | None) -> str:
    """A value as plain words."""
    if value is None:
        return ""
    words = value if isinstance(value, str) else ", ".join(value)
    plain = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} else character for character in words
    )
    return _cut(" ".join(_SIGNS.sub(" ", plain).replace(";", ",").split()), MOST_VALUE_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"

"""What a model is told of its task: `translate.md` and `adapt.md`, and the segments."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Literal

from lectern.ports import Message, Prompt
from lectern.study.checks import ADVICE
from lectern.study.languages import Language

Kind = Literal["translate", "adapt"]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What chapters are rewritten for.

    Attributes:
        kind: Into another language, or for another reader.
        language: What the result is written in; None, to adapt only, for the chapter's own.
        profile: The reader in one line, to adapt only.
    """

    kind: Kind
    language: Language | None = None
    profile: str = ""

    def __post_init__(self) -> None:
        if self.kind == "translate" and self.language is None:
            raise ValueError("a translation needs its language")


def build_prompt(purpose: Purpose, message: str, refused: Mapping[int, str]) -> Prompt:
    """The prompt of one call.

    Args:
        purpose: What for.
        message: The segments in their frames.
        refused: What was wrong with earlier answers: the number of the block → a key of `ADVICE`.
    """
    rules = Template(_text_of(purpose.kind)).substitute(
        language=_named(purpose.language),
        script=purpose.language.script if purpose.language else "",
        profile=_line(purpose.profile),
    )
    if refused:
        notes = [f"- Segment {number}: {ADVICE[reason]}." for number, reason in sorted(refused.items())]
        rules = "\n".join([rules, "", "You answered these segments before, and the answers were refused:", *notes])
    return Prompt(question="", passages=(), messages=(Message("system", rules), Message("user", message)))


@cache
def version_of(kind: Kind) -> str:
    """A digest of the rules, in hexadecimal."""
    return hashlib.sha256(_text_of(kind).encode()).hexdigest()


@cache
def _text_of(kind: Kind) -> str:
    return resources.files("lectern.study").joinpath(f"{kind}.md").read_text(encoding="utf-8").strip()


def _named(language: Language | None) -> str:
    if language is None:
        return "the language that the segments are written in"
    return language.name if language.name == language.own_name else f"{language.name} ({language.own_name})"


def _line(profile: str) -> str:
    """A profile on one line, in quotes: it comes from a reader."""
    return '"' + " ".join(profile.split()).replace('"', "'") + '"'

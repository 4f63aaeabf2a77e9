"""The earlier turns of a conversation whose client sends them along. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal

from lectern.ports import Turn

Spoken = tuple[Literal["user", "assistant"], str]
"""Who said what."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def turns_of(messages: Iterable[Spoken]) -> list[Turn]:
    """What was said before, as turns: a question has the answer that follows it, or none.

    They have no ids, as nobody keeps them; of several questions in a row each is a turn of its own, and an answer to
    nothing is left out.
    """
    turns: list[Turn] = []
    question: str | None = None
    for role, text in messages:
        if role == "user":
            if question is not None:
                turns.append(_turn(question, ""))
            question = text
        elif question is not None:
            turns.append(_turn(question, text))
            question = None
    if question is not None:
        turns.append(_turn(question, ""))
    return turns


def _turn(question: str, answer: str) -> Turn:
    return Turn("", "", question, answer, "answered", _NEVER)

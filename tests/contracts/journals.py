"""Turns under way, to be written down."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from lectern.ports import Journal, JournalHead


def head_of(question: str = "What is a reducer?", **fields: Any) -> JournalHead:
    """A turn that no other test has."""
    return replace(JournalHead(str(uuid4()), str(uuid4()), "user:anne", question), **fields)


def said(*texts: str) -> list[Any]:
    """A delta for each text, as a batch has it."""
    return [["delta", {"text": text}] for text in texts]


async def batches(journal: Journal, head: JournalHead, after: int = 0) -> list[tuple[int, Any]]:
    """What is written down of a turn."""
    page = await journal.read(head.turn_id, after=after)
    assert page is not None
    return [(number, list(events)) for number, events in page.batches]

"""Where a turn that is under way is written down while it has to survive its worker, or be followed from another one.

A turn that nobody misses is never written here. Its rows are deleted when it is saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JournalHead:
    """A turn that is under way.

    Attributes:
        turn_id: UUID, as text.
        conversation_id: UUID of its conversation, as text.
        principal_id: Who asked, as `Principal.id`; None when nobody known did.
        question: As the reader wrote it, so that what is left of a turn whose worker died can be saved.
        digest: What tells the request from others with the same key, in hexadecimal; empty for one without a key.
    """

    turn_id: str
    conversation_id: str
    principal_id: str | None
    question: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What others want of a turn: its owner learns it whenever it writes.

    Attributes:
        followed_at: When somebody elsewhere last asked for it, UTC; None when nobody did.
        stop: Whether it is to be stopped.
        lost: Whether it is no longer its owner's: its rows were deleted, with its conversation or because the owner
            was taken for dead, or another has claimed it since. Nothing more is written, and `stop` is set, too.
    """

    followed_at: datetime | None = None
    stop: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class JournalPage:
    """What is written down of a turn.

    Attributes:
        head: Which turn it is.
        alive_until: Until when its owner has promised to write again, UTC; later than that, it is dead.
        created_at: When its first row was made, UTC.
        batches: `(number, events)` of each batch that was asked for, in order; numbers count from 1. An event is
            `[name, fields]`, plain JSON.
    """

    head: JournalHead
    alive_until: datetime
    created_at: datetime
    batches: Sequence[tuple[int, Sequence[Any]]] = ()


class Journal(Protocol):
    """One short transaction a verb. Every verb raises `StoreUnavailable` when it cannot be done now."""

    async def claim(self, head: JournalHead, *, seconds: float) -> bool:
        """Make a turn the caller's, before it begins; of those who want it at once, one gets True.

        One that is dead, has no events yet, and was claimed for the same request, may be claimed again.

        Args:
            head: Which.
            seconds: How long the caller promises to live without another word.
        """
        ...

    async def append(self, head: JournalHead, number: int, events: Sequence[Any], *, seconds: float) -> Wishes:
        """Write a batch down, perhaps an empty one that only says that the owner lives; the first one makes the head.

        Writing a number again changes nothing. Who has claimed a turn, or written any of it, makes
        its head no second time: a deleted one is lost.

        Args:
            head: Which turn.
            number: The batch's place, from 1; an empty batch comes with the next one's.
            events: Its events, as `JournalPage.batches` has them.
            seconds: How long from now the owner promises to live without another word.
        """
        ...

    async def read(self, turn_id: str, *, after: int = 0) -> JournalPage | None:
        """What is written down, with the batches after a number; None when nothing is."""
        ...

    async def find(self, conversation_id: str) -> JournalHead | None:
        """The newest turn of a conversation that is written down and alive."""
        ...

    async def wish(self, turn_id: str, *, stop: bool = False) -> bool:
        """Say that somebody elsewhere follows a turn, or wants it stopped; False when it is not written down."""
        ...

    async def held(self, principal_id: str, *, after: str | None = None, limit: int) -> Sequence[JournalPage]:
        """A page of a principal's own turns that are written down, dead or alive, with all their batches.

        Args:
            principal_id: Whose.
            after: The last turn's id of the page before; None for the first page.
            limit: Most turns; fewer come only at the end.
        """
        ...

    async def delete(self, turn_id: str) -> None:
        """Delete what is written down of a turn."""
        ...

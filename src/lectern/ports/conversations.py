"""What readers do with the conversations that are kept for them, apart from talking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lectern.ports.store import Turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """A kept conversation without its turns.

    Attributes:
        id: UUID, as text.
        principal_id: Its owner's `Principal.id`; None when nobody's was kept.
        title: Empty until the first question gives it one.
        created_at: When it began, UTC.
        updated_at: When its last question came, UTC.
        turns: How many it has.
    """

    id: str
    principal_id: str | None
    title: str
    created_at: datetime
    updated_at: datetime
    turns: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader thought of an answer: `rating` is 1 (good) or -1 (bad), `comment` may be empty."""

    turn_id: str
    rating: int
    comment: str = ""


class Conversations(Protocol):
    """Lists, reads and names conversations. Whose they are is part of each statement: nothing of another's is read.

    A conversation of a visitor, or of nobody, may be reached by whoever knows its id. Every verb raises
    `StoreUnavailable` when it cannot be done now.
    """

    async def owned_by(self, principal_id: str, *, limit: int, offset: int) -> list[Conversation]:
        """Its conversations, the last used first.

        Args:
            principal_id: Whose.
            limit: Most conversations.
            offset: How many of the last used to leave out.
        """
        ...

    async def start(self, principal_id: str, title: str) -> Conversation:
        """Begin one without a turn."""
        ...

    async def read(
        self, conversation_id: str, *, principal_id: str, limit: int, offset: int = 0
    ) -> tuple[Conversation, Sequence[Turn]]:
        """One with its last turns, oldest first.

        Args:
            conversation_id: Which.
            principal_id: Who wants it.
            limit: Most turns.
            offset: How many of the last turns to leave out.

        Raises:
            ConversationNotFound: There is none.
            Forbidden: It is another's.
        """
        ...

    async def rename(self, conversation_id: str, title: str, *, principal_id: str) -> None:
        """Give it a title.

        Raises:
            ConversationNotFound: There is none.
            Forbidden: It is another's.
        """
        ...

    async def claim(self, visitor_id: str, principal_id: str) -> int:
        """Give all of a visitor's conversations to who it turned out to be; returns how many."""
        ...

    async def rate(self, feedback: Feedback, *, principal_id: str) -> None:
        """Keep what a reader thought of an answer, instead of what it thought before.

        Raises:
            TurnNotFound: There is no such turn.
            Forbidden: It is another's.
        """
        ...

"""What the pipeline needs from the keeper of conversations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from lectern.ports.part import Part

Outcome = Literal["answered", "not_found", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what became of it.

    Attributes:
        id: UUID, as text.
        conversation_id: UUID of its conversation, as text.
        question: As the reader wrote it.
        context: Text the reader had highlighted, or empty.
        answer: What was sent, also when it is only a part.
        sources: The sources shown, as plain JSON objects.
        outcome: `answered`; `not_found` when nothing relevant was found; `failed`; `cancelled` when it was ended early.
        finish: Why it ended: a `Finish` of a whole answer; `stopped` by its reader, `abandoned` by all, or
            `shutting_down` of one that was cancelled; the error's code of one that failed.
        tool_calls: What an assistant called, as `{tool_name, parameters, execution_status}` objects.
        degraded: Parts that were not available, as `{part: reason}`.
        usage: Tokens, as `{prompt_tokens, completion_tokens}`; empty when no model was asked.
        timings: Milliseconds by milestone.
        created_at: When the question came, UTC.
        principal_id: Who asked, as `Principal.id`; None when nobody known did, or that was not kept.
        begins: Whether it may make its conversation. A later turn does not: it would bring back one that was deleted.
            Not kept.
    """

    id: str
    conversation_id: str
    question: str
    answer: str
    outcome: Outcome
    created_at: datetime
    context: str = ""
    sources: Sequence[dict[str, Any]] = ()
    tool_calls: Sequence[dict[str, Any]] = ()
    degraded: dict[str, str] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    principal_id: str | None = None
    finish: str = "stop"
    begins: bool = field(default=True, compare=False)


class Store(Protocol):
    """Keeps conversations and their turns. One short transaction a verb; nothing is held between two verbs."""

    async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
        """The conversation's last turns, oldest first.

        Args:
            conversation_id: Which.
            limit: Most turns.
            principal_id: Who wants it; None is nobody known, who sees only what belongs to nobody known.

        Raises:
            ConversationNotFound: There is no such conversation.
            Forbidden: It is another's.
            StoreUnavailable: It cannot be read now.
        """
        ...

    async def turn(self, turn_id: str, *, principal_id: str | None = None) -> Turn:
        """One turn that was saved, as far as its conversation is this reader's to know.

        Args:
            turn_id: Which; any text, also one that is no id.
            principal_id: Who wants it; None is nobody known, who sees only what belongs to nobody known.

        Raises:
            TurnNotFound: There is no such turn, or it is another's.
            StoreUnavailable: It cannot be read now.
        """
        ...

    async def save_turn(self, turn: Turn) -> None:
        """Keep a turn, and its conversation when it begins one, in one transaction. Saving it again changes nothing.

        Only of a turn that was kept as lost (finish `turn_lost`), by who found it without its worker, the worker's own
        word still counts: it may have been kept where the database could not be reached.
        A conversation that belongs to a visitor or to nobody becomes that of an account or user who goes on with it.
        One without a title is named after the question.

        Raises:
            ConversationNotFound: The turn begins no conversation, and there is none to go on with.
            Forbidden: The conversation is another's than the turn's `principal_id`.
            StoreUnavailable: It cannot be written now.
        """
        ...

    async def delete_conversation(self, conversation_id: str, *, principal_id: str | None = None) -> None:
        """Delete a conversation and all its turns for good, and what the journal has of turns under way in it.

        Raises:
            ConversationNotFound: There is no such conversation.
            Forbidden: It is another's.
            StoreUnavailable: It cannot be written now.
        """
        ...

    async def delete_conversations_of(self, principal_id: str) -> int:
        """Delete all conversations of a principal for good, and what the journal has of its turns under way.

        Returns:
            How many conversations.

        Raises:
            StoreUnavailable: It cannot be written now.
        """
        ...

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        ...

    def forget_connections(self) -> None:
        """Drop pooled connections without closing their sockets: they belong to the parent of a fork."""
        ...

    async def warm(self) -> None:
        """Open a connection and check the schema."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

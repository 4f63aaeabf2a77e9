"""What a client of the AI SDK sends → what is asked, after which turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lectern.ai_sdk.schemas import ChatBody, UIMessage
from lectern.chat.history import Spoken, turns_of
from lectern.errors import ConversationNotFound, InvalidRequest, TurnNotFound
from lectern.ports import Store, Turn

_UNREADABLE: Final = frozenset({"file", "reasoning-file"})
"""Parts that would change what is asked, if they could be read. All others are the client's own notes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body comes to.

    Attributes:
        text: The question.
        context: Text the reader had highlighted, or empty.
        history: The turns before it, oldest first; None for those of the kept conversation.
        instructions: What the chat's system messages say.
    """

    text: str
    context: str = ""
    history: Sequence[Turn] | None = None
    instructions: str = ""


def read(body: ChatBody, *, most_characters: int) -> Asked:
    """What a body that has the question asks.

    Args:
        body: As it was sent.
        most_characters: Longest question; earlier ones, and instructions, are cut there.

    Raises:
        InvalidRequest: There is no question in it, or one that cannot be read.
    """
    if body.messages is None:
        return Asked(_question("message", body.message, most_characters), body.context or "")
    earlier, last = body.messages[:-1], body.messages[-1] if body.messages else None
    text = _question("messages", last, most_characters)
    orders = "\n\n".join(filter(None, (_text(message) for message in earlier if message.role == "system")))
    history = turns_of(
        _spoken(message, most_characters) for message in earlier if message.role != "system" and _text(message)
    )
    return Asked(text, body.context or "", history, orders[:most_characters])


async def read_again(
    body: ChatBody, store: Store, *, conversation_id: str, principal_id: str, most_turns: int, most_characters: int
) -> Asked:
    """What a body asks that wants an answer written again and has no history: that answer is no part of it either.

    Args:
        body: Without messages; with neither a question, it is the one that was asked then.
        store: Where turns are kept.
        conversation_id: Whose answer it is.
        principal_id: Who asks.
        most_turns: How many there may be before it.
        most_characters: Longest question.

    Raises:
        InvalidRequest: It has a question that cannot be read.
        TurnNotFound: There is no such answer.
        Forbidden: The conversation is another's.
        StoreUnavailable: It cannot be read now.
    """
    asked = read(body, most_characters=most_characters) if body.message else None
    try:
        kept = list(await store.history(conversation_id, limit=most_turns + 1, principal_id=principal_id))
    except ConversationNotFound:
        kept = []
    place = _place(kept, body.message_id)
    if place is None and body.message_id:  # it is older than that, and so are those before it
        kept, place = [await store.turn(body.message_id, principal_id=principal_id)], 0
    if place is None:
        raise TurnNotFound
    turn = kept[place]
    return Asked(asked.text if asked else turn.question, body.context or ("" if asked else turn.context), kept[:place])


def _place(kept: Sequence[Turn], message_id: str | None) -> int | None:
    """Which of the turns made a message; the last one, when none is named."""
    if not message_id:
        return len(kept) - 1 if kept else None
    return next((place for place, turn in enumerate(kept) if turn.id == message_id), None)


def _question(field: str, message: UIMessage | None, most_characters: int) -> str:
    if message is None or message.role != "user":
        raise _invalid(
            field, "the last one must be the user's question" if field == "messages" else "must be the user's"
        )
    if any(part.type in _UNREADABLE for part in message.parts):
        raise _invalid(field, "files and images cannot be read here; ask in words")
    text = _text(message)
    if not text:
        raise _invalid(field, "the question must not be empty")
    if len(text) > most_characters:
        raise _invalid(field, f"the question must have at most {most_characters} characters")
    return text


def _text(message: UIMessage) -> str:
    return "\n".join(part.text for part in message.parts if part.type == "text" and part.text)


def _spoken(message: UIMessage, most_characters: int) -> Spoken:
    if message.role == "assistant":
        return "assistant", _text(message)
    return "user", _text(message)[:most_characters]  # the last ones are searched for, too


def _invalid(field: str, text: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {text}", fields=((field, text),))

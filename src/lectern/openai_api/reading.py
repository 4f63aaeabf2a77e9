"""OpenAI's requests → what is asked, of which sites, after which turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lectern.chat.history import Spoken, turns_of
from lectern.errors import InvalidRequest, ModelNotFound, TurnNotFound
from lectern.formats.openai_responses import RESPONSE_PREFIX
from lectern.openai_api.schemas import Message
from lectern.ports import Index, Store, Turn

ALL_SITES: Final = "lectern"
"""The model that answers from all sites."""

_OF_SITE: Final = f"{ALL_SITES}/"
_ORDERING: Final = frozenset({"system", "developer"})
"""Roles whose messages are instructions."""

_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What a conversation comes to.

    Attributes:
        text: The question.
        history: What was said before it.
        instructions: What its system and developer messages say.
    """

    text: str
    history: Sequence[Turn]
    instructions: str


def read(messages: Sequence[Message], *, field: str, most_characters: int, instructions: str | None = None) -> Asked:
    """What is asked: the last thing that a user says. What an assistant says after it is asked for anew.

    Args:
        messages: As they were sent; one without text says nothing.
        field: Where they were sent.
        most_characters: Longest question; instructions are cut there.
        instructions: Those that stand beside the messages.

    Raises:
        InvalidRequest: No user says anything, or too much.
    """
    said = [message for message in messages if message.content]
    last = max((place for place, message in enumerate(said) if message.role == "user"), default=None)
    if last is None:
        raise _invalid(field, "a message with role user must say something")
    question = said[last].content
    if len(question) > most_characters:
        raise _invalid(field, f"the question must have at most {most_characters} characters")
    orders = [message.content for message in said if message.role in _ORDERING]
    history = turns_of(_spoken(message) for message in said[:last] if message.role not in _ORDERING)
    return Asked(question, history, "\n\n".join(filter(None, (instructions, *orders)))[:most_characters])


async def site_of(model: str, index: Index) -> str | None:
    """The site that a model answers from; None is all.

    Raises:
        ModelNotFound: There is no such model.
        IndexUnavailable: It cannot be told now.
    """
    if model == ALL_SITES:
        return None
    site = model.removeprefix(_OF_SITE)
    if site == model or site not in await index.sites():
        message = f"There is no model {model[:_SHOWN_CHARACTERS]!r}; GET /v1/models lists those that there are."
        raise ModelNotFound(message, fields=(("model", message),))
    return site


async def models(index: Index) -> list[str]:
    """The models: one for all sites, and one for each where there are several."""
    sites = sorted(await index.sites())
    return [ALL_SITES, *(_OF_SITE + site for site in sites if len(sites) > 1)]


async def chain(response_id: str, store: Store, *, principal_id: str, most_turns: int) -> tuple[str, Sequence[Turn]]:
    """What a response goes on from: its conversation, and the turns up to it, oldest first.

    Of one that is older than the conversation's last turns, itself alone.

    Args:
        response_id: As it was answered with.
        store: Where turns are kept.
        principal_id: Who goes on.
        most_turns: How many there may be.

    Raises:
        TurnNotFound: There is none, or it is another's, or it is not over yet.
        StoreUnavailable: It cannot be told now.
    """
    try:
        turn_id = str(UUID(response_id.removeprefix(RESPONSE_PREFIX)))
        turn = await store.turn(turn_id, principal_id=principal_id)
    except (ValueError, TurnNotFound):
        message = "There is no such response, or it was deleted."
        raise TurnNotFound(message, fields=(("previous_response_id", message),)) from None
    # Twice as many, as turns came after it, if only by the same question sent again.
    last = await store.history(turn.conversation_id, limit=2 * most_turns, principal_id=principal_id)
    place = next((place for place, each in enumerate(last) if each.id == turn_id), None)
    return turn.conversation_id, [turn] if place is None else last[max(0, place + 1 - most_turns) : place + 1]


def _spoken(message: Message) -> Spoken:
    return ("user" if message.role == "user" else "assistant"), message.content


def _invalid(field: str, text: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {text}", fields=((field, text),))

"""What endpoints that answer questions share, in this room and those above it: their configuration, and headers."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from lectern.chat.pipeline import Knobs
from lectern.chat.turns import Turns
from lectern.errors import InvalidRequest
from lectern.limits.budgets import Budgets
from lectern.web.streaming import Heartbeat


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """What the chat API is configured with.

    Attributes:
        knobs: The pipeline's.
        max_message_characters: Longest question, and longest highlighted text.
        heartbeat: How silent streams are watched.
        turns: The live turns of this worker.
        budgets: What may be spent a day; None means that nothing is counted.
    """

    knobs: Knobs
    max_message_characters: int
    heartbeat: Heartbeat
    turns: Turns
    budgets: Budgets | None = None


async def _config(request: Request) -> ChatConfig:  # a plain function would be run in a thread
    config: ChatConfig = request.app.state.chat
    return config


ConfigDep = Annotated[ChatConfig, Depends(_config)]

KeyDep = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="What is sent again with the same key is not asked again, and answered the same",
    ),
]


def check_length(field: str, text: str, config: ChatConfig) -> None:
    """Refuse a text that is longer than a question may be.

    Raises:
        InvalidRequest: It is.
    """
    longest = config.max_message_characters
    if len(text) > longest:
        message = f"{field}: must have at most {longest} characters"
        raise InvalidRequest(message, fields=((field, message),))

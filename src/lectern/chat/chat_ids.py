"""A client's own id of a chat → the conversation that it stands for.

Clients of other protocols make ids of their own, and no two of them agree on their form. What they come to has to be
the same in every worker and after a restart, so it is derived, not kept; and by a secret, so that nobody can begin the
conversation of somebody else beforehand and put words into it.

An id that nobody guesses opens its chat to whoever has it, as a conversation's own id does: browsers that keep no
cookies have nothing else. One that may be guessed, being short or written by hand, is its reader's own: the `1` of two
readers are two chats.
"""

import hmac
import json
import re
from typing import Final
from uuid import UUID

from lectern.keyring import Keyring
from lectern.principal import Principal

LONGEST: Final = 200
"""Longest id, in characters."""

_PURPOSE: Final = "chat"
_UNGUESSABLE: Final = 16
"""Characters of the ids that the AI SDK makes: 95 bits."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RUN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_MEAN_RUN: Final = 4
"""Mean length, in characters, from which runs of one kind are words. Those of random ids are of 1.6 to 2.5."""


class ChatIds:
    """Finds the conversations of chats.

    Args:
        keyring: Its newest key names them. With another `SECRET_KEY` a chat goes on in another conversation.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def conversation_of(self, chat_id: str, reader: Principal | None) -> str | None:
        """The conversation's UUID, as text; itself when the chat's id is one.

        Args:
            chat_id: As the client has it.
            reader: Whose it is; None for one who will not be known again.

        Returns:
            None when it could be anybody's: an id that may be guessed, of somebody who will not be known again.
        """
        if _UUID.fullmatch(chat_id):
            return str(UUID(chat_id))
        if not may_be_guessed(chat_id):
            return self._derived("", chat_id)
        return self._derived(reader.id, chat_id) if reader is not None else None

    def _derived(self, scope: str, chat_id: str) -> str:
        told = json.dumps([scope, chat_id]).encode()
        return str(UUID(bytes=hmac.digest(self._keyring.current(_PURPOSE), told, "sha256")[:16], version=5))


def may_be_guessed(chat_id: str) -> bool:
    """Whether others could have the same id: it is short, or made of words, as `docs-assistant-chat-1` is.

    Of random ids none that the AI SDK makes is taken for words, and one in 1,000 of those of nanoid, with separators.
    """
    if len(chat_id) < _UNGUESSABLE:
        return True
    is_one_word = chat_id.isalpha() and (chat_id.islower() or chat_id.isupper())
    has_long_runs = len(_RUN.findall(chat_id)) * _MEAN_RUN <= len(chat_id)
    return is_one_word or (has_long_runs and not chat_id.isalnum())

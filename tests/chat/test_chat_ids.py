"""Which conversation a client's own chat id stands for."""

import random
import string
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lectern.chat.chat_ids import ChatIds, may_be_guessed
from lectern.keyring import Keyring
from lectern.principal import Principal

IDS = ChatIds(Keyring([b"a secret of the test's own"]))
ANNE, BEN = Principal("user", "anne"), Principal("user", "ben")
RANDOM = "xK3b9QpLz0aTf7Wm"


def test_a_uuid_is_the_conversation_itself() -> None:
    """So a chat can go on with what any other client of this service has begun."""
    conversation = str(uuid4())
    assert IDS.conversation_of(conversation, None) == IDS.conversation_of(conversation.upper(), ANNE) == conversation


@pytest.mark.parametrize("reader", [None, ANNE, BEN])
def test_an_id_that_nobody_guesses_is_one_chat_for_whoever_has_it(reader: Principal | None) -> None:
    """A browser that keeps no cookies finds its chat again by nothing else."""
    assert IDS.conversation_of(RANDOM, reader) == IDS.conversation_of(RANDOM, None) is not None


@pytest.mark.parametrize(
    "chat_id", ["1", "chat", "docs-assistant-chat", "docs-assistant-chat-1", "documentationassistant"]
)
def test_an_id_that_may_be_guessed_is_its_readers_own(chat_id: str) -> None:
    """Two readers' are two chats; of somebody who will not be known again it names none."""
    assert may_be_guessed(chat_id)
    assert IDS.conversation_of(chat_id, ANNE) == IDS.conversation_of(chat_id, ANNE)
    assert IDS.conversation_of(chat_id, ANNE) != IDS.conversation_of(chat_id, BEN)
    assert IDS.conversation_of(chat_id, None) is None


def test_random_ids_are_not_taken_for_words() -> None:
    """None of the AI SDK (16 letters and digits) or hexadecimal ones, and nearly none of cuid2 and nanoid."""
    dice = random.Random(8)

    def taken(alphabet: str, length: int) -> int:
        return sum(may_be_guessed("".join(dice.choices(alphabet, k=length))) for _ in range(5000))

    alphanumeric = string.ascii_letters + string.digits
    assert taken(alphanumeric, 16) == taken("0123456789abcdef", 32) == 0
    assert taken(string.ascii_lowercase + string.digits, 24) < 15
    assert taken(alphanumeric + "-_", 21) < 25


def test_nobody_derives_it_without_the_secret() -> None:
    """Else a conversation could be begun for somebody before they begin it."""
    others = ChatIds(Keyring([b"another secret"]))
    assert others.conversation_of("1", ANNE) != IDS.conversation_of("1", ANNE)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_id_stands_for_a_uuid(chat_id: str) -> None:
    """Whatever is in it; and what it is derived from cannot be confused with another scope and id."""
    conversation = IDS.conversation_of(chat_id, ANNE)
    assert conversation is not None
    assert str(UUID(conversation)) == conversation

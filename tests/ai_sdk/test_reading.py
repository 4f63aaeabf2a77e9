"""What the AI SDK's clients send, as questions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from lectern.adapters.sql_store import SqlStore
from lectern.ai_sdk.reading import Asked, read, read_again
from lectern.ai_sdk.schemas import MOST_MESSAGES, MOST_PARTS, ChatBody
from lectern.errors import Forbidden, InvalidRequest, TurnNotFound
from lectern.ports import Turn

READER = "user:anne"


def message(role: str, *texts: str, parts: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A message as `useChat` keeps it."""
    return {"id": uuid4().hex, "role": role, "parts": [*parts, *({"type": "text", "text": text} for text in texts)]}


def asked(**body: Any) -> Asked:
    """What a body asks, where a question has at most 100 characters."""
    return read(ChatBody(**body), most_characters=100)


ANSWER = message(
    "assistant",
    "They are pure [1].",
    parts=(
        {"type": "step-start"},
        {"type": "reasoning", "text": "Let me think.", "state": "done"},
        {"type": "source-url", "sourceId": "a", "url": "https://docs.example.org/a", "title": "A"},
        {"type": "data-degraded", "id": "llm", "data": {"part": "llm"}},
        {"type": "tool-weather", "toolCallId": "c", "state": "output-available", "input": {}, "output": {"text": "x"}},
        {"type": "dynamic-tool", "toolName": "t", "toolCallId": "c", "state": "input-available", "input": None},
    ),
)


def test_the_last_message_is_the_question_and_the_others_its_history() -> None:
    """Of an earlier answer only what was said is read, not how it came about."""
    found = asked(id="c", messages=[message("user", "What is a reducer?"), ANSWER, message("user", "And", "why?")])
    assert (found.text, found.instructions) == ("And\nwhy?", "")
    assert [(turn.question, turn.answer) for turn in found.history or ()] == [
        ("What is a reducer?", "They are pure [1].")
    ]


def test_a_first_question_has_an_empty_history() -> None:
    """Not that of the store: what a client shows is what it means."""
    assert asked(messages=[message("user", "Why?")]).history == []


def test_a_question_alone_has_the_stores_history() -> None:
    """For apps that send only the last message."""
    assert asked(id="c", message=message("user", "Why?")).history is None


def test_system_messages_are_instructions() -> None:
    """They are nobody's turn."""
    found = asked(messages=[message("system", "Be brief."), message("user", "Why?")])
    assert (found.instructions, found.history) == ("Be brief.", [])


def test_highlighted_text_comes_under_either_name() -> None:
    """As the chat API has them."""
    assert asked(message=message("user", "Why?"), context="pure").context == "pure"
    assert asked(message=message("user", "Why?"), selected_text="pure").context == "pure"


def test_a_picture_of_an_earlier_question_is_skipped() -> None:
    """Else a chat that was refused once could never go on."""
    picture = {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA=="}
    earlier = message("user", "What is this?", parts=(picture,))
    assert [turn.question for turn in asked(messages=[earlier, message("user", "Why?")]).history or ()] == [
        "What is this?"
    ]


def test_a_long_question_of_the_history_is_cut() -> None:
    """It is searched for as well, and nobody could have asked it here."""
    assert [
        len(turn.question)
        for turn in asked(messages=[message("user", "x" * 500), message("user", "Why?")]).history or ()
    ] == [100]


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ({}, "message: must be the user's"),
        ({"messages": []}, "messages: the last one must be the user's question"),
        ({"messages": [message("user", "Why?"), ANSWER]}, "messages: the last one must be the user's question"),
        ({"message": ANSWER}, "message: must be the user's"),
        ({"message": message("user")}, "message: the question must not be empty"),
        ({"message": message("user", " ", "")}, "message: the question must not be empty"),
        ({"message": message("user", "x" * 101)}, "message: the question must have at most 100 characters"),
        (
            {"messages": [message("user", "What is this?", parts=({"type": "file", "url": "data:,"},))]},
            "messages: files and images cannot be read here; ask in words",
        ),
    ],
)
def test_what_is_no_question_is_refused(body: dict[str, Any], mistake: str) -> None:
    """In one sentence, which the client shows as it is."""
    with pytest.raises(InvalidRequest) as refusal:
        asked(**body)
    assert refusal.value.message == mistake


@pytest.mark.parametrize(
    "body",
    [
        {"message": {"role": "tool", "parts": []}},
        {"message": {"role": "user", "content": "Why?"}},
        {"message": {"role": "user", "parts": [{"type": "text", "text": 7}]}},
        {"message": {"role": "user", "parts": [{"type": "text", "text": "a\0b"}]}},
        {"message": {"role": "user", "parts": [{"type": "text", "text": "\ud800"}]}},
        {"message": {"role": "user", "parts": ["Why?"]}},
        {"message": message("user", *["x"] * (MOST_PARTS + 1))},
        {"messages": [message("user", "x")] * (MOST_MESSAGES + 1)},
        {"message": message("user", "Why?"), "trigger": "resume-stream"},
        {"message": message("user", "Why?"), "id": ""},
        {"message": message("user", "Why?"), "id": "x" * 201},
    ],
    ids=",".join,
)
def test_what_is_no_body_is_refused(body: dict[str, Any]) -> None:
    """Roles and fields that there are none of, and more than anybody needs."""
    with pytest.raises(ValidationError):
        ChatBody(**body)


@pytest.fixture
async def kept(store: SqlStore) -> list[Turn]:
    """A conversation of three turns."""
    conversation, now = str(uuid4()), datetime.now(UTC)
    turns = [
        Turn(
            id=str(uuid4()),
            conversation_id=conversation,
            question=question,
            answer=f"Of {question}",
            outcome="answered",
            created_at=now + timedelta(seconds=place),
            context="pure" if place == 1 else "",
            principal_id=READER,
        )
        for place, question in enumerate(("First?", "Second?", "Third?"))
    ]
    for turn in turns:
        await store.save_turn(turn)
    return turns


async def again(store: SqlStore, kept: list[Turn], *, most_turns: int = 6, reader: str = READER, **body: Any) -> Asked:
    """What a body asks that wants an answer once more."""
    return await read_again(
        ChatBody(trigger="regenerate-message", **body),
        store,
        conversation_id=kept[0].conversation_id,
        principal_id=reader,
        most_turns=most_turns,
        most_characters=100,
    )


async def test_the_last_answer_is_written_again(store: SqlStore, kept: list[Turn]) -> None:
    """Its question is asked after what was before it, not after itself."""
    found = await again(store, kept)
    assert (found.text, [turn.question for turn in found.history or ()]) == ("Third?", ["First?", "Second?"])


async def test_an_answer_is_written_again_by_its_messages_id(store: SqlStore, kept: list[Turn]) -> None:
    """With the text that had been highlighted then."""
    found = await again(store, kept, messageId=kept[1].id)
    assert (found.text, found.context, [turn.id for turn in found.history or ()]) == ("Second?", "pure", [kept[0].id])


async def test_a_question_that_comes_along_is_the_one_that_is_asked(store: SqlStore, kept: list[Turn]) -> None:
    """It may have been changed."""
    found = await again(store, kept, messageId=kept[2].id, message=message("user", "Third, really?"))
    assert (found.text, [turn.question for turn in found.history or ()]) == ("Third, really?", ["First?", "Second?"])


async def test_an_old_answer_is_written_again_without_a_history(store: SqlStore, kept: list[Turn]) -> None:
    """Further back than a history reaches, the turn is found by itself."""
    found = await again(store, kept, messageId=kept[0].id, most_turns=1)
    assert (found.text, found.history) == ("First?", [])


async def test_an_answer_that_is_not_there_is_not_found(store: SqlStore, kept: list[Turn]) -> None:
    """Whatever its id is."""
    for unknown in (str(uuid4()), "msg-1"):
        with pytest.raises(TurnNotFound):
            await again(store, kept, messageId=unknown)


async def test_an_empty_chat_has_no_answer(store: SqlStore, kept: list[Turn]) -> None:
    """A conversation that was never kept is as one without turns."""
    nowhere = [Turn("", str(uuid4()), "", "", "answered", datetime.now(UTC))]
    with pytest.raises(TurnNotFound):
        await again(store, nowhere)


async def test_anothers_answer_is_refused(store: SqlStore, kept: list[Turn]) -> None:
    """As a whole conversation, before anything of it is read."""
    with pytest.raises(Forbidden):
        await again(store, kept, reader="user:ben")

"""The bodies of the session API, as front ends with a history read them: a conversation is a *session* there.

A turn is two messages, what the reader asked and what was answered.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from lectern.formats.sources import SourceBody, source_body, source_line
from lectern.ports import Conversation, Outcome, Turn
from lectern.principal import Principal
from lectern.web.texts import Text

TITLE_CHARACTERS: Final = 200
"""Longest title that a reader gives."""

UNTITLED: Final = "New conversation"
"""What a conversation is called until its first question names it."""

_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")


def _one_line(text: str) -> str:
    line = " ".join(text.translate(_CONTROLS).split())
    if len(line) > TITLE_CHARACTERS:
        msg = f"must have at most {TITLE_CHARACTERS} characters"
        raise ValueError(msg)
    return line


def _not_blank(text: str) -> str:
    if not text:
        msg = "must not be empty"
        raise ValueError(msg)
    return text


_LINE = {"type": "string", "maxLength": TITLE_CHARACTERS}
Line = Annotated[Text, AfterValidator(_one_line), WithJsonSchema(_LINE)]
Title = Annotated[Line, AfterValidator(_not_blank), WithJsonSchema(_LINE | {"minLength": 1, "pattern": r"\S"})]


ExportFormat = Literal["text", "markdown", "json"]


class NewSession(BaseModel):
    """A conversation to begin."""

    title: Line | None = Field(None, description="Left out or blank, the first question names it")


class NewTitle(BaseModel):
    """Another title."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Reducers"}]})

    title: Title = Field(description="One line; blanks around and between words count once")


class Session(BaseModel):
    """A kept conversation without its messages."""

    id: UUID
    user_id: str = Field(description="The reader's id, as its login server or its account here has it")
    title: str
    created_at: datetime
    updated_at: datetime = Field(description="When its last question came")
    is_active: bool = Field(default=True, description="Always true: each conversation can be gone on with")
    message_count: int = Field(description="Two for each turn")

    @classmethod
    def of(cls, conversation: Conversation, reader: Principal) -> "Session":
        """A conversation as one of its reader's sessions."""
        return cls(
            id=UUID(conversation.id),
            user_id=reader.subject,
            title=conversation.title or UNTITLED,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
            message_count=2 * conversation.turns,
        )


class ToolCallBody(BaseModel):
    """What the task assistant called."""

    tool_name: str
    parameters: dict[str, Any]
    execution_status: str


class Message(BaseModel):
    """One half of a turn."""

    id: UUID = Field(description="An answer's is its turn's")
    session_id: UUID
    turn_id: UUID
    role: Literal["user", "assistant"]
    content: str = Field(description="What was said; of an answer that was cut off or failed, as far as it came")
    selected_text: str | None = Field(None, description="What the reader had highlighted")
    created_at: datetime
    sources: list[str] = Field(default=[], description="An answer's sources as lines to show, in the order of `[n]`")
    citations: list[SourceBody] = Field(default=[], description="The same with all their fields, as `POST /chat` has")
    tool_calls: list[ToolCallBody] = Field(default=[], description="What the task assistant called for an answer")
    outcome: Outcome | None = Field(None, description="What became of an answer")


class SessionMessages(BaseModel):
    """A conversation with its last messages, oldest first."""

    session: Session
    messages: list[Message]
    omitted: int = Field(description="How many messages before these there are")

    @classmethod
    def of(
        cls, conversation: Conversation, turns: Sequence[Turn], reader: Principal, offset: int = 0
    ) -> "SessionMessages":
        """A conversation with these turns, `offset` turns before its end."""
        return cls(
            session=Session.of(conversation, reader),
            messages=[message for turn in turns for message in messages_of(turn)],
            omitted=2 * max(0, conversation.turns - offset - len(turns)),
        )


class SessionList(BaseModel):
    """A page of a reader's conversations, the last used first."""

    sessions: list[Session]


class Export(BaseModel):
    """A conversation to be saved as a file."""

    format: ExportFormat
    content: str | SessionMessages = Field(description="The file's text; with `json`, the object to write into it")


class Notice(BaseModel):
    """What was done, as a sentence to show."""

    message: str


def messages_of(turn: Turn) -> Iterator[Message]:
    """The question and the answer; an answer's moment is that of its end, where it is known."""
    identity, session = UUID(turn.id), UUID(turn.conversation_id)
    yield Message(
        id=uuid5(identity, "question"),
        session_id=session,
        turn_id=identity,
        role="user",
        content=turn.question,
        selected_text=turn.context or None,
        created_at=turn.created_at,
    )
    yield Message(
        id=identity,
        session_id=session,
        turn_id=identity,
        role="assistant",
        content=turn.answer,
        created_at=turn.created_at + timedelta(milliseconds=turn.timings.get("total") or 0),
        sources=[source_line(source) for source in turn.sources],
        citations=[source_body(source) for source in turn.sources],
        tool_calls=[ToolCallBody(**call) for call in turn.tool_calls],
        outcome=turn.outcome,
    )

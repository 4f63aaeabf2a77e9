"""The bodies of the task assistant: one turn as one object, in the two shapes that front ends read."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from lectern.tasks.turns import Told
from lectern.web.texts import SomeText, Text

EXTRACTED: Final = "auth_extract"
"""The `user_id` of a front end that leaves it to its token to say who asks."""

NOBODY: Final = "guest_user"
"""The `user_id` of a front end whose reader is not signed in."""

ResponseType = Literal["answer", "action", "clarification", "confirmation", "sign_in"]


class TaskMessage(BaseModel):
    """A message to the assistant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Remind me to call mum tomorrow"}]})

    message: SomeText = Field(description="At most 1,000 characters, unless the operator says otherwise")
    conversation_id: UUID | None = Field(None, description="The conversation to go on with; left out, a new one starts")


class ToolCallBody(BaseModel):
    """A tool that the assistant called."""

    tool_name: str
    parameters: dict[str, Any]
    execution_status: str = Field(
        description="`success`, `error`, `ambiguous` (several tasks fit) or `confirmation_required` (not done yet)"
    )


class ConfirmationBody(BaseModel):
    """What is not done before the reader says yes, by a message in the same conversation."""

    confirmation_id: UUID
    question: str
    calls: list[dict[str, Any]] = Field(description="What would be done, as `{tool_name, parameters}`")


class ClarificationBody(BaseModel):
    """What the reader has to say before anything is done."""

    question: str
    options: list[str] = Field(description="Lines to show, or to send as the next message")


class TaskAnswer(BaseModel):
    """A turn with the assistant."""

    conversation_id: UUID
    response: str
    message_id: UUID
    conversation_title: str
    tool_calls: list[ToolCallBody]
    has_tool_calls: bool
    confirmation_required: ConfirmationBody | None = None
    clarification: ClarificationBody | None = None
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")

    @classmethod
    def of(cls, told: Told) -> Self:
        """A turn that is over."""
        asked, unclear = told.confirmation, told.clarification
        return cls(
            conversation_id=UUID(told.conversation_id),
            response=told.text,
            message_id=UUID(told.turn_id),
            conversation_title=told.title,
            tool_calls=[
                ToolCallBody(
                    tool_name=used.tool_name,
                    parameters=dict(used.parameters),
                    execution_status=used.execution_status,
                )
                for used in told.tools
            ],
            has_tool_calls=bool(told.tools),
            confirmation_required=asked
            and ConfirmationBody(
                confirmation_id=UUID(asked.confirmation_id),
                question=asked.question,
                calls=[dict(call) for call in asked.calls],
            ),
            clarification=unclear and ClarificationBody(question=unclear.question, options=list(unclear.options)),
            degraded=told.degraded,
        )


class ClarifyContext(BaseModel):
    """Who asks, and in which conversation."""

    model_config = ConfigDict(validate_by_name=True)

    user_id: Text | None = Field(
        None, description=f"The reader's own id; `{EXTRACTED}` leaves it to the token, `{NOBODY}` is nobody"
    )
    conversation_id: UUID | None = Field(
        None, validation_alias=AliasChoices("conversation_id", "conversationId"), description="To go on with"
    )


class ClarifyRequest(BaseModel):
    """A message to the same assistant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "What is left?", "context": {"user_id": EXTRACTED}}]}
    )

    input: SomeText
    context: Annotated[ClarifyContext, Field(default_factory=ClarifyContext)]


class ClarifyAnswer(BaseModel):
    """The same turn, as front ends read it that call the assistant so."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    message: str
    response_type: ResponseType = Field(
        alias="responseType",
        description="`answer`; `action`: tools were called; `clarification` and `confirmation`: the reader is asked; "
        "`sign_in`: nothing was done, as nobody is signed in",
    )
    clarifying_questions: list[str] = Field(alias="clarifyingQuestions")
    suggested_actions: list[str] = Field(
        alias="suggestedActions", description="Messages that may come next, as a reader would write them"
    )
    conversation_id: UUID | None = Field(alias="conversationId", description="Null where there is none")

    @classmethod
    def of(cls, told: Told) -> Self:
        """A turn that is over."""
        kind: ResponseType = "action" if told.tools else "answer"
        questions: list[str] = []
        actions: list[str] = []
        if told.confirmation is not None:
            kind, questions, actions = "confirmation", [told.confirmation.question], ["yes", "no"]
        elif told.clarification is not None:
            kind, questions, actions = "clarification", [told.clarification.question], list(told.clarification.options)
        return cls(
            message=told.text,
            response_type=kind,
            clarifying_questions=questions,
            suggested_actions=actions,
            conversation_id=UUID(told.conversation_id),
        )

    @classmethod
    def to_sign_in(cls) -> Self:
        """What somebody is told who is not signed in."""
        return cls(
            message="Please sign in first: your tasks are kept with your account, so that nobody else sees them.",
            response_type="sign_in",
            clarifying_questions=[],
            suggested_actions=["Sign in"],
            conversation_id=None,
        )

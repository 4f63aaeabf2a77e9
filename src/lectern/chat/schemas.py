"""The bodies of the chat API. Two front ends' names for one field are aliases; both names stand in the answer."""

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from lectern.chat.whole import Answer
from lectern.formats.sources import SourceBody, source_body
from lectern.web.texts import SomeText, Text, readable


def _number(value: object) -> object:
    """Refuse what is no number in JSON, though Python would take it for one. `5.0` is a whole number there."""
    if isinstance(value, bool | str):
        msg = "must be a whole number"
        raise ValueError(msg)  # noqa: TRY004 - only of this one pydantic tells the client
    return value


def _no_truth(rating: object) -> object:
    """Refuse `true`, which Python takes for 1."""
    if isinstance(rating, bool):
        msg = "must be 1, -1, 'up' or 'down'"
        raise ValueError(msg)  # noqa: TRY004 - only of this one pydantic tells the client
    return rating


MOST_COMMENT_CHARACTERS: Final = 2000
"""Longest comment on an answer: a page of prose."""


class ChatRequest(BaseModel):
    """One question."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"message": "How do I run the tests?"}]}, validate_by_name=True
    )

    message: SomeText = Field(
        validation_alias=AliasChoices("message", "query"), description="The question (`query` is the same field)"
    )
    context: Text | None = Field(
        None,
        validation_alias=AliasChoices("context", "selected_text"),
        description="Text the reader highlighted (`selected_text` is the same field)",
    )
    session_id: UUID | None = Field(None, description="The conversation to go on with; left out, a new one starts")
    site: Text | None = Field(None, description="Answer from this site only")
    stream: StrictBool = Field(default=False, description="Stream the turn, as `Accept: text/event-stream` does")


class ChatMetadata(BaseModel):
    """How the answer came about."""

    response_time_ms: float
    tokens_used: int
    context_chunks: int
    outcome: str = Field(
        description="`answered`; `not_found` when the site does not say; `cancelled` when it was ended early"
    )
    finish: str = Field(description="Why it ended: `stop`, as the model says it, or `stopped` when somebody stopped it")
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")


class ChatAnswer(BaseModel):
    """The answer as one JSON object; it stands under both names that front ends read."""

    session_id: UUID
    turn_id: UUID
    message: str
    response: str
    sources: list[SourceBody]
    metadata: ChatMetadata

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """A turn that is over, as these clients read it."""
        return cls(
            session_id=UUID(answer.conversation_id),
            turn_id=UUID(answer.turn_id),
            message=answer.text,
            response=answer.text,
            sources=[source_body(source.json()) for source in answer.sources],
            metadata=ChatMetadata(
                response_time_ms=answer.timings.get("total", 0),
                tokens_used=sum(answer.usage.values()),
                context_chunks=len(answer.sources),
                outcome=answer.outcome,
                finish=answer.finish,
                degraded=answer.degraded,
            ),
        )


class Stopped(BaseModel):
    """The turn is over; what was said of it is kept."""

    message: str = "The answer was stopped."
    turn_id: UUID


class SearchRequest(BaseModel):
    """A search of the site's sections."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "health check", "top_k": 5}]})

    query: SomeText = Field(description="What to search for, in words or as a question")
    top_k: Annotated[int, BeforeValidator(_number)] = Field(5, ge=1, le=20, description="Sections at most")
    site: Text | None = Field(None, description="Search this site only")


class SearchResult(BaseModel):
    """A section that matches."""

    chunk_id: str
    title: str
    slug: str
    snippet: str
    score: float
    heading_path: list[str]
    href: str


class SearchAnswer(BaseModel):
    """The best sections, best first."""

    query: str
    results: list[SearchResult]


class Deleted(BaseModel):
    """The conversation and its turns are gone."""

    message: str = "The conversation was deleted."
    session_id: UUID


class FeedbackRequest(BaseModel):
    """A verdict on one answer; a later one takes its place."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rating": "up"}, {"rating": -1, "comment": "Outdated."}]}
    )

    rating: Annotated[Literal[1, -1, "up", "down"], BeforeValidator(_no_truth)] = Field(
        description="Good (`1`, `up`) or bad (`-1`, `down`)"
    )
    comment: Annotated[str, Field(max_length=MOST_COMMENT_CHARACTERS), AfterValidator(readable)] | None = None

    @property
    def value(self) -> Literal[1, -1]:
        """The rating as a number."""
        return 1 if self.rating in {1, "up"} else -1


class FeedbackKept(BaseModel):
    """The verdict as it is kept."""

    message: str = "Thank you for the feedback."
    turn_id: UUID
    rating: Literal[1, -1]

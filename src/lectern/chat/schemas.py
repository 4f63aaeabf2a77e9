"""The bodies of the chat API. Two front ends' names for one field are aliases; both names stand in the answer."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool


def _readable(text: str) -> str:
    """Refuse what no reader types and no database keeps, and what says nothing."""
    if "\x00" in text:
        msg = "must not contain NUL characters"
        raise ValueError(msg)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        msg = "must not contain half a character (a lone surrogate)"
        raise ValueError(msg)
    return text.strip()


def _not_blank(text: str) -> str:
    if not text:
        msg = "must not be empty"
        raise ValueError(msg)
    return text


def _number(value: object) -> object:
    """Refuse what is no number in JSON, though Python would take it for one. `5.0` is a whole number there."""
    if isinstance(value, bool | str):
        msg = "must be a whole number"
        raise ValueError(msg)  # noqa: TRY004 - only of this one pydantic tells the client
    return value


_NO_NUL = r"^[^\u0000]*$"
_SAYS_SOMETHING = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
Text = Annotated[str, AfterValidator(_readable), Field(json_schema_extra={"pattern": _NO_NUL})]
Asked = Annotated[Text, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": _SAYS_SOMETHING})]


class ChatRequest(BaseModel):
    """One question."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"message": "How do I run the tests?"}]}, validate_by_name=True
    )

    message: Asked = Field(
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


class SourceBody(BaseModel):
    """A section the answer was made from; `[n]` in the answer cites the n-th."""

    chunk_id: str
    title: str
    slug: str = Field(description="The page's route without its leading slash")
    score: float
    site: str
    document: str
    heading_path: list[str]
    url: str
    anchor: str
    href: str = Field(description="The link that opens the very section")
    quote: str


class ChatMetadata(BaseModel):
    """How the answer came about."""

    response_time_ms: float
    tokens_used: int
    context_chunks: int
    outcome: str = Field(description="`answered`, or `not_found` when the site does not say")
    finish: str
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")


class ChatAnswer(BaseModel):
    """The answer as one JSON object; it stands under both names that front ends read."""

    session_id: UUID
    turn_id: UUID
    message: str
    response: str
    sources: list[SourceBody]
    metadata: ChatMetadata


class SearchRequest(BaseModel):
    """A search of the site's sections."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "health check", "top_k": 5}]})

    query: Asked
    top_k: Annotated[int, BeforeValidator(_number)] = Field(5, ge=1, le=20)
    site: Text | None = None


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


def source_body(source: dict[str, Any]) -> SourceBody:
    """A source as this API names its id."""
    return SourceBody(chunk_id=source["id"], **{name: source[name] for name in source if name != "id"})

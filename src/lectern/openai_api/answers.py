"""What OpenAI's API answers, for its description; `lectern.formats` makes it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from lectern.formats.sources import SourceBody


class Extension(BaseModel):
    """What OpenAI's shape has no place for."""

    conversation_id: str = Field(description="The session that the turn is kept in")
    turn_id: str = Field(description="The turn, for feedback on it")
    outcome: str = Field(description="`answered`, `not_found` when the site does not say, `cancelled` when ended early")
    sources: list[SourceBody] = Field(description="`[n]` in the answer cites the n-th")
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")


class UrlCitation(BaseModel):
    """A place in the answer, and the section that it cites."""

    start_index: int = Field(description="Where the brackets open, in characters (code points)")
    end_index: int = Field(description="Behind the bracket that closes them")
    title: str
    url: str


class Annotation(BaseModel):
    """A citation."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    """The answer's text, and what it cites."""

    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[Annotation] | None = Field(None, description="Left out when nothing is cited")


class Choice(BaseModel):
    """The only one."""

    index: Literal[0]
    message: AssistantMessage
    logprobs: None
    finish_reason: Literal["stop", "length", "content_filter"]


class Usage(BaseModel):
    """Tokens as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer."""

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Seconds since 1970")
    model: str
    choices: Annotated[list[Choice], Field(min_length=1, max_length=1)]
    usage: Usage | None = Field(None, description="Left out when nobody counted")
    lectern: Extension


class TextCitation(UrlCitation):
    """A citation."""

    type: Literal["url_citation"]


class OutputText(BaseModel):
    """The answer's text, and what it cites."""

    type: Literal["output_text"]
    text: str
    annotations: list[TextCitation]
    logprobs: list[Any]


class OutputMessage(BaseModel):
    """The answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["completed", "incomplete"]
    content: list[OutputText]


class ResponseUsage(BaseModel):
    """Tokens as the provider counted them; the details are required, and nobody counts them."""

    input_tokens: int
    input_tokens_details: dict[str, int]
    output_tokens: int
    output_tokens_details: dict[str, int]
    total_tokens: int


class ResponseBody(BaseModel):
    """A response."""

    id: str = Field(description="For `previous_response_id` of the next question")
    object: Literal["response"]
    created_at: int = Field(description="Seconds since 1970")
    status: Literal["completed", "incomplete"]
    error: None
    incomplete_details: dict[str, str] | None
    instructions: str | None
    metadata: dict[str, str]
    model: str
    output: list[OutputMessage]
    parallel_tool_calls: Literal[False]
    previous_response_id: str | None
    conversation: dict[str, str] = Field(description="`id`: the session that the turn is kept in")
    store: Literal[True]
    temperature: None
    text: dict[str, Any]
    tool_choice: Literal["none"]
    tools: list[Any]
    top_p: None
    usage: ResponseUsage | None
    lectern: Extension

"""The bodies of OpenAI's API, as far as a model of words has use for them."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from lectern.openai_api.fields import Content, Model, PlainText, Role, Stream, ToolChoice, asks, only
from lectern.web.texts import SomeText, Text

_EXAMPLE: Final[dict[str, Any]] = {"model": "lectern"}


class Message(BaseModel):
    """One message."""

    role: Role
    content: Content = ""
    tool_calls: Annotated[Any, only(None, [], why="calls of tools are not taken, as this model calls none")] = None


class StreamOptions(BaseModel):
    """What a stream is to tell."""

    include_usage: StrictBool | None = Field(
        None, description="Tell the tokens in one more chunk, if they were counted"
    )


class ChatCompletionRequest(BaseModel):
    """A conversation whose last question is to be answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_EXAMPLE | {"messages": [{"role": "user", "content": "How do I run the tests?"}]}]
        }
    )

    model: Model
    messages: Annotated[
        list[Message],
        Field(min_length=1, json_schema_extra=asks("The question is the last message of a user that says something")),
    ]
    stream: Stream = None
    stream_options: StreamOptions | None = None
    n: Annotated[Any, only(None, 1, why="this model gives one answer: leave it out, or send 1")] = None
    tool_choice: ToolChoice = None
    function_call: ToolChoice = None
    response_format: PlainText = None
    modalities: Annotated[Any, only(None, ["text"], why="this model answers with text only")] = None
    audio: Annotated[Any, only(None, why="this model answers with text only")] = None
    logprobs: Annotated[Any, only(None, False, why="this model tells no log probabilities")] = None
    top_logprobs: Annotated[Any, only(None, 0, why="this model tells no log probabilities")] = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to tell the tokens."""
        return self.stream_options is not None and self.stream_options.include_usage is True


class Item(Message):
    """One item of an input: a message."""

    type: Annotated[
        Any, only(None, "message", why="only items of type message are taken: this model calls no tools")
    ] = None


Items = Annotated[list[Item], Field(min_length=1, json_schema_extra=asks("As `messages` of a chat completion"))]


def _items(value: object) -> object:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


class TextOptions(BaseModel):
    """How the text of a response is to be."""

    format: PlainText = None


class ResponseRequest(BaseModel):
    """A question, with what was said before it or the response that it goes on from."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"input": "How do I run the tests?"}]})

    model: Model
    input: Annotated[Items, BeforeValidator(_items, json_schema_input_type=SomeText | Items)]
    instructions: Text | None = Field(None, description="How to answer, beside the site's own rules")
    stream: Stream = None
    previous_response_id: Text | None = Field(None, description="The response that this question goes on from")
    tool_choice: ToolChoice = None
    text: TextOptions | None = None
    background: Annotated[Any, only(None, False, why="responses are made while their client waits")] = None
    conversation: Annotated[Any, only(None, why="go on by previous_response_id")] = None
    prompt: Annotated[Any, only(None, why="there are no stored prompts here")] = None
    top_logprobs: Annotated[Any, only(None, 0, why="this model tells no log probabilities")] = None


class ModelBody(BaseModel):
    """A model: the indexed sites, or one of them."""

    id: str
    object: str = "model"
    created: int = Field(0, description="Nobody noted when; 0")
    owned_by: str = "lectern"


class ModelList(BaseModel):
    """The models."""

    object: str = "list"
    data: list[ModelBody]

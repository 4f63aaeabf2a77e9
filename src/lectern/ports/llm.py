"""What the pipeline needs from a language model."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lectern.ports.index import Passage
from lectern.ports.part import Part

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "filtered"]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may ask for.

    Attributes:
        name: Letters, digits and `_`.
        description: What it does, for the model.
        parameters: JSON Schema of its arguments, an object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model asks for.

    Attributes:
        id: As the provider named the call.
        name: The tool's; a model may name one that there is not.
        arguments: JSON as the model wrote it, which may be none.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt.

    Attributes:
        role: Who says it.
        content: What.
        tool_calls: What an assistant asked for.
        tool_call_id: Which call a tool's message answers.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything an answer is made from.

    Attributes:
        question: The reader's question as they wrote it.
        passages: What retrieval found, best first; passage *n* is cited as `[n]`, counted from 1.
        messages: The same, laid out for a chat model, history included.
        tools: What the model may ask for; none for an answer in words only.
    """

    question: str
    passages: tuple[Passage, ...]
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """The last item of a stream: why it ended, what it cost, and what the model asks for before it goes on.

    A stream has text, or calls of tools, or both. One that did not finish with `stop` has no calls.
    """

    finish: Finish = "stop"
    usage: Usage | None = None
    tool_calls: tuple[ToolCall, ...] = ()


class LLM(Protocol):
    """Answers a prompt piece by piece."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text as they come, then exactly one `Completion`.

        Calls of tools come whole, with the completion; an empty first piece may tell that the first of them has begun.
        What is no model (`QuotingLLM`) answers in words, whatever the prompt offers.

        Closing the generator stops the generation at the provider. It may be begun in one task and read on in another,
        so no timeout or cancel scope stays open across a yield (https://peps.python.org/pep-0789/).

        Raises:
            UpstreamTimeout: No connection, first or next token within the adapter's limits.
            UpstreamUnavailable: The provider failed, or the connection broke.
            UpstreamRejected: The provider refused the key, the model or the request, or knows no tools.
        """
        ...

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        ...

    async def warm(self) -> None:
        """Make the first call cheap (TLS context, client). Costs nothing at a provider."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

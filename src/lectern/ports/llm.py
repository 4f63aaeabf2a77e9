"""What the pipeline needs from a language model."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from lectern.ports.index import Passage
from lectern.ports.part import Part

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "filtered"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything an answer is made from.

    Attributes:
        question: The reader's question as they wrote it.
        passages: What retrieval found, best first; passage *n* is cited as `[n]`, counted from 1.
        messages: The same, laid out for a chat model, history included.
    """

    question: str
    passages: tuple[Passage, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """The last item of a stream: why it ended, and what it cost."""

    finish: Finish = "stop"
    usage: Usage | None = None


class LLM(Protocol):
    """Answers a prompt piece by piece."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text as they come, then exactly one `Completion`.

        Closing the generator stops the generation at the provider. It may be begun in one task and read on in another,
        so no timeout or cancel scope stays open across a yield (https://peps.python.org/pep-0789/).

        Raises:
            UpstreamTimeout: No connection, first or next token within the adapter's limits.
            UpstreamUnavailable: The provider failed, or the connection broke.
            UpstreamRejected: The provider refused the key, the model or the request.
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

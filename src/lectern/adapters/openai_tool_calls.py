"""Tools and their calls as a chat completion writes them. Pure.

OpenAI's streams number the calls of an answer: the first piece of a call has its `index`, `id` and `function.name`, the
others have the index and more of `function.arguments` (https://platform.openai.com/docs/api-reference/chat-streaming).
Servers that speak its language leave out the index (Ollama before 0.5, Gemini) or the id (Ollama with some models),
give each call the index 0 and an id of its own (Ollama), repeat the name with each piece, or send each piece with
another id (LM Studio). What all of them have in common: a call begins with a name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lectern.adapters.no_answer import NoAnswer
from lectern.ports import Message, Prompt, ToolCall

_MOST_CALLS = 64
_MOST_CHARACTERS = 200_000
"""Of all calls of an answer together. A model that is asked for at most some thousand tokens stays far below."""


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


class CollectedCalls:
    """The calls of one streamed answer, as they come in."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._numbered: dict[int, _Call] = {}
        self._characters = 0

    def take(self, pieces: Any) -> None:  # noqa: ANN401 - whatever the provider sent
        """Take a frame's `delta.tool_calls`.

        Raises:
            NoAnswer, TypeError, AttributeError: They are none, or too many.
        """
        for piece in pieces:
            function = piece.get("function") or {}
            identity, name = _text(piece.get("id")), _text(function.get("name"))
            arguments = _text(function.get("arguments"))
            self._characters += len(identity) + len(name) + len(arguments)
            if self._characters > _MOST_CHARACTERS:
                raise NoAnswer("calls of tools without an end")
            call = self._of(piece.get("index"), identity, name)
            call.id = call.id or identity
            call.name = call.name or name
            call.arguments.append(arguments)

    def whole(self) -> tuple[ToolCall, ...]:
        """All of them, in the order in which they began; one that came without an id gets its place for one.

        Raises:
            NoAnswer: One of them has no name.
        """
        if not all(call.name for call in self._calls):
            raise NoAnswer("a call of a tool without a name")
        return tuple(
            ToolCall(_well(call.id) or f"call_{place}", _well(call.name), _well("".join(call.arguments)))
            for place, call in enumerate(self._calls)
        )

    def _of(self, index: Any, identity: str, name: str) -> _Call:  # noqa: ANN401 - as above
        """The call that a piece belongs to."""
        if index is not None and type(index) is not int:
            raise NoAnswer("a call of a tool that is none")
        call = self._known(index, identity, name)
        if call is None:
            if len(self._calls) >= _MOST_CALLS:
                raise NoAnswer("calls of tools without an end")
            call = _Call(identity, name)
            self._calls.append(call)
        if index is not None:
            self._numbered[index] = call
        return call

    def _known(self, index: int | None, identity: str, name: str) -> _Call | None:
        """The call that a piece goes on with; None when it begins one."""
        if index is not None:
            call = self._numbered.get(index)
        else:
            named = (call for call in self._calls if identity and call.id == identity)
            call = next(named, self._calls[-1] if self._calls and not name else None)
        begins = call is not None and name and call.name and identity and identity != call.id
        return None if begins else call


def with_tools(prompt: Prompt) -> dict[str, Any]:
    """What a request says of a prompt: its messages, and its tools when it has any."""
    body: dict[str, Any] = {"messages": [_message(message) for message in prompt.messages]}
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in prompt.tools
        ]
    return body


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        said["content"] = message.content or None  # as OpenAI writes it; some servers refuse an empty text
        said["tool_calls"] = list(_written(message.tool_calls))
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _written(calls: Iterable[ToolCall]) -> Iterable[dict[str, Any]]:
    for call in calls:
        # Servers that read the arguments back refuse no text at all, which models write for a tool without any.
        function = {"name": call.name, "arguments": call.arguments or "{}"}
        yield {"id": call.id, "type": "function", "function": function}


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the provider sent
    """A text of a call; nothing for none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NoAnswer("a call of a tool that is none")
    return value


def _well(text: str) -> str:
    """A text that can be encoded: halves of a character are joined, a lone one is `�`."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""How the stub calls tools: as the user's words say, `call add_task {"title": "x"} then call list_tasks {}`.

Each `then` is a step of its own: it is taken when the results of the step before have come. After the last one the
answer repeats what the tools said.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.stub_model import Behaviour
from loadtests.stub_rewrites import last_user_text

_CALL = re.compile(r"\bcall (\w+) (?=\{)")
_THEN = re.compile(r"\bthen (?=call\b)")
_PIECE_CHARACTERS = 7


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as a whole answer writes it."""

    id: str
    name: str
    arguments: str

    def whole(self) -> dict[str, Any]:
        """As a message has it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}

    def pieces(self, index: int) -> list[dict[str, Any]]:
        """As the deltas of a stream have it: first its name, then a few characters of its arguments each."""
        function = {"name": self.name, "arguments": ""}
        first = {"index": index, "id": self.id, "type": "function", "function": function}
        cuts = range(0, len(self.arguments), _PIECE_CHARACTERS)
        rest = [self.arguments[at : at + _PIECE_CHARACTERS] for at in cuts]
        return [{"tool_calls": [piece]} for piece in (first, *(_more(index, text) for text in rest))]


def calls(messages: Sequence[dict[str, Any]], behaviour: Behaviour) -> list[Call]:
    """The calls of the step that the conversation has come to; none when all are made."""
    since = _since_the_user(messages)
    steps = _THEN.split(last_user_text(messages))
    made = sum(bool(message.get("tool_calls")) for message in since)
    if "loop" in behaviour.flags:
        made = 0
    found = _calls_in(steps[made]) if made < len(steps) else []
    if "gullible" in behaviour.flags and since and since[-1].get("role") == "tool":
        # Texts in a tool's JSON have their quotes escaped.
        found += _calls_in(str(since[-1].get("content")).replace('\\"', '"'))
    return [Call(f"call_{len(messages)}_{place}", name, text) for place, (name, text) in enumerate(found)]


def results(messages: Sequence[dict[str, Any]]) -> list[str]:
    """What tools have said since the user did."""
    return [str(message.get("content")) for message in _since_the_user(messages) if message.get("role") == "tool"]


def _since_the_user(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = max((place for place, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    return list(messages[asked + 1 :])


def _calls_in(text: str) -> list[tuple[str, str]]:
    """Each `call NAME {json}`; after `call NAME {` without an end the rest of the text is the arguments."""
    found = []
    for match in _CALL.finditer(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            end = len(text)
        found.append((match[1], text[match.end() : end]))
    return found


def _more(index: int, arguments: str) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}}

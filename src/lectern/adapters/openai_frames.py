"""Reads the frames of a streamed chat completion. Pure.

The bytes are read here and not by the SDK, which makes a validated object of each token: that is more than half of the
cost of relaying one.
"""

import json
from typing import Any

from pydantic_core import from_json

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.openai_tool_calls import CollectedCalls
from lectern.ports import Completion, Finish, Usage

_MOST_BYTES = 1_000_000
"""A frame holds one token; a line this long is no frame."""

_FINISHES: dict[str, Finish] = {"length": "length", "content_filter": "filtered"}


class StreamedAnswer:
    """An answer as it comes in.

    Args:
        calls: Whether it may ask for tools; if not, nobody looks for that.

    Attributes:
        frames: How many frames came; comments that only keep a connection open do not count.
        has_begun: Whether a token came: of a text, or of a tool's call.
        finished: Whether the provider said why the answer ends: all its text is here.
        done: Whether nothing more comes.
        error: Why what came behind the last text is no frame; `NoAnswer` when it says so itself.
    """

    def __init__(self, *, calls: bool = False) -> None:
        self.frames = 0
        self.has_begun = False
        self.finished = False
        self.done = False
        self.error: Exception | None = None
        self._finish: Finish = "stop"
        self._usage: Usage | None = None
        self._calls = CollectedCalls() if calls else None
        self._rest = b""
        self._half = ""

    def read(self, part: bytes) -> str:
        """The text in the next bytes, wherever these were cut. What is wrong with them is `error`."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        text = ""
        try:
            if len(self._rest) > _MOST_BYTES:
                raise NoAnswer("a line without an end")
            for line in lines:
                if line.startswith(b"data:"):
                    text += self._frame(line[5:].strip())
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            self.error = error
        self.has_begun = self.has_begun or bool(text)
        return text

    def completion(self) -> Completion:
        """Why the answer ended, what it cost and what it asks for.

        An answer that was cut asks for nothing: its last call may be half of one.

        Raises:
            NoAnswer: It did not end but broke off, or a call has no name.
            Exception: What is wrong with it (`error`), when it may ask for tools.
        """
        if not self.finished:
            raise NoAnswer("the answer broke off")
        if self._calls is None or self._finish != "stop":
            return Completion(self._finish, self._usage)
        if self.error is not None:  # without calls only the price gets lost; here it may be one of them
            raise self.error
        return Completion(self._finish, self._usage, self._calls.whole())

    def _frame(self, data: bytes) -> str:
        """Read one frame; return its text, which may be empty."""
        if data == b"[DONE]":
            self.done = True
            return ""
        self.frames += 1
        chunk = _read_json(data)
        if not isinstance(chunk, dict) or chunk.get("error"):
            raise NoAnswer("an error instead of a frame")
        self._usage = _usage(chunk.get("usage")) or self._usage
        choices = chunk.get("choices")
        if not choices:
            return ""
        choice = choices[0]
        finish = choice.get("finish_reason")
        if finish:
            self.finished = True
            self._finish = _FINISHES.get(finish, "stop")
        delta = choice.get("delta") or {}
        if self._calls is not None and (calls := delta.get("tool_calls")):
            self._calls.take(calls)
            self.has_begun = True
        text = delta.get("content") or ""
        if not isinstance(text, str):
            raise NoAnswer("a text that is none")
        return text if text.isascii() and not self._half else self._joined(text)

    def _joined(self, text: str) -> str:
        """The text with characters whole that a provider cut into two escapes, in two frames; a lone half is `�`."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._half)
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text


def _read_json(data: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(data)  # half the cost of the standard library's
    except ValueError:
        return json.loads(data)  # which takes half a character, too, and says what is wrong


def _usage(value: Any) -> Usage | None:  # noqa: ANN401 - whatever the provider sent
    """The tokens counted, or None for what is no count."""
    if not isinstance(value, dict):
        return None
    asked, answered = value.get("prompt_tokens"), value.get("completion_tokens")
    if isinstance(asked, int) and isinstance(answered, int) and min(asked, answered) >= 0:
        return Usage(asked, answered)
    return None

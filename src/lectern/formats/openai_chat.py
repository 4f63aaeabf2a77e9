"""OpenAI's chat completions: an answer as one object, a turn's events as chunks.

A stream opens with the assistant's role, and ends with the reason and `[DONE]`, or with an error. Citations stand as
`annotations` where the whole message has them, and in a stream in the last delta, as their places are only known then;
sources and the rest are under `lectern`, which other clients pass over. Waking parts have no chunk: pings keep such a
stream open.
"""

import json
from typing import Any, Final

from lectern.errors import LecternError, error_of
from lectern.events import Delta, Done, Event, Failed, Started
from lectern.formats.openai_answer import Answer, GrowingAnswer, counted, extension, url_citations
from lectern.formats.openai_errors import error_body

_FINISH_REASONS: Final = {"length": "length", "filtered": "content_filter"}
"""By a turn's finish; any other end is `stop`, one that the reader asked for too."""

_DONE: Final = b"data: [DONE]\n\n"

MEDIA: Final[dict[str, Any]] = {
    "itemSchema": {
        "type": "object",
        "properties": {
            "event": {"const": "message", "description": "None is sent, which means this one"},
            "data": {"type": "string", "description": "A chunk or an error as JSON; the last one may be `[DONE]`"},
        },
        "required": ["data"],
        "additionalProperties": False,
    }
}
"""How OpenAPI describes the stream."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def completion_id(turn_id: str) -> str:
    """The id of a turn's completion."""
    return f"chatcmpl-{turn_id}"


def chat_completion(answer: Answer, *, model: str, created: int, here: str) -> dict[str, Any]:
    """An answer as one object.

    Args:
        answer: The whole answer.
        model: The name it was asked by.
        created: When it was, in seconds since 1970.
        here: The address at which this service was asked.
    """
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message | _annotations(answer, here), "logprobs": None}
    body: dict[str, Any] = {
        "id": completion_id(answer.turn_id),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice | {"finish_reason": _finish_reason(answer)}],
    }
    return body | _usage(answer) | {"lectern": extension(answer, here)}


class ChatCompletionEncoder:
    """Implements `lectern.formats.format.Encoder`: an event is at most a few chunks.

    Args:
        model: The name it was asked by.
        created: When it was, in seconds since 1970.
        here: The address at which this service was asked.
        include_usage: Whether one more chunk is to tell the tokens, if anybody counted them.
    """

    def __init__(self, *, model: str, created: int, here: str, include_usage: bool = False) -> None:
        self._answer = GrowingAnswer()
        self._model = model
        self._created = created
        self._here = here
        self._include_usage = include_usage
        self._before = ""
        self._after = ""

    def encode(self, position: int, event: Event) -> bytes:
        """The chunks of the next event. The position is of no use here: a stream is sent from its first event."""
        del position
        self._answer.take(event)
        match event:
            case Delta():  # by hand: of a token's chunk only the text wants the encoder
                return f"{self._before}{_encode(event.text)}{self._after}".encode()
            case Started():
                return self._start()
            case Done():
                return self._done()
            case Failed():
                return self.cut(error_of(event.code, event.message))
            case _:
                return b""

    def cut(self, error: LecternError) -> bytes:
        """The error, at which clients stop."""
        return f"data: {_encode(error_body(error))}\n\n".encode()

    def _start(self) -> bytes:
        mark = "\x00"
        chunk = self._chunk({"content": mark})
        self._before, self._after = f"data: {chunk}\n\n".split(_encode(mark))
        return f"data: {self._chunk({'role': 'assistant', 'content': ''})}\n\n".encode()

    def _done(self) -> bytes:
        answer = self._answer
        last = self._chunk(
            _annotations(answer, self._here), _finish_reason(answer), {"lectern": extension(answer, self._here)}
        )
        frames = [f"data: {last}\n\n".encode()]
        if self._include_usage and (usage := _usage(answer)):
            frames.append(f"data: {_encode(self._head() | {'choices': []} | usage)}\n\n".encode())
        return b"".join((*frames, _DONE))

    def _head(self) -> dict[str, Any]:
        return {
            "id": completion_id(self._answer.turn_id),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
        }

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, more: dict[str, Any] | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._include_usage else {}
        return _encode(self._head() | {"choices": [choice]} | usage | (more or {}))


def _annotations(answer: Answer, here: str) -> dict[str, Any]:
    found = url_citations(answer, here)
    return {"annotations": [{"type": "url_citation", "url_citation": each} for each in found]} if found else {}


def _finish_reason(answer: Answer) -> str:
    return _FINISH_REASONS.get(answer.finish, "stop")


def _usage(answer: Answer) -> dict[str, Any]:
    tokens = counted(answer)
    if tokens is None:
        return {}
    prompt, completion = tokens
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}}

"""OpenAI's responses: an answer as one object, a turn's events as its events, for what is text.

A response has one item, a message, of one part. Each event has the next `sequence_number`. Exactly one of
`response.completed`, `response.incomplete`, `response.failed` or `error` ends a stream, and nothing follows it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lectern.errors import LecternError, error_of
from lectern.events import Delta, Done, Event, Failed, Started
from lectern.formats.openai_answer import Answer, GrowingAnswer, counted, extension, url_citations
from lectern.formats.sse import media

_INCOMPLETE: Final = {
    "length": "max_output_tokens",
    "filtered": "content_filter",
    "stopped": "stopped",
    "abandoned": "abandoned",
}
"""Why a response is not complete, by the turn's finish; the last two are Lectern's own: it was ended, or all left."""

_NAMES: Final = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.annotation.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "error",
)

MEDIA: Final = media(_NAMES)
"""How OpenAPI describes the stream."""

RESPONSE_PREFIX: Final = "resp_"
"""What a response's id begins with; the turn's id follows."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """What is known of a response before its turn begins.

    Attributes:
        model: The name it was asked by.
        created_at: When it was, in seconds since 1970.
        here: The address at which this service was asked.
        instructions: Those of the request.
        previous_response_id: The response it goes on from.
    """

    model: str
    created_at: int
    here: str
    instructions: str | None = None
    previous_response_id: str | None = None


def response(answer: Answer, head: ResponseHead) -> dict[str, Any]:
    """An answer as one object."""
    reason = _INCOMPLETE.get(answer.finish)
    status = "incomplete" if reason else "completed"
    item = _item(answer, status, [_part(answer, head.here)])
    return _response(answer, head, status, output=[item], reason=reason) | {"lectern": extension(answer, head.here)}


class ResponseEncoder:
    """Implements `lectern.formats.format.Encoder`: an event is at most a few of the protocol's."""

    def __init__(self, head: ResponseHead) -> None:
        self._answer = GrowingAnswer()
        self._head = head
        self._number = 0
        self._is_open = False

    def encode(self, position: int, event: Event) -> bytes:
        """The frames of the next event. The position is of no use here: a stream is sent from its first event."""
        del position
        self._answer.take(event)
        match event:
            case Delta():
                return self._open() + self._text_frame("response.output_text.delta", delta=event.text, logprobs=[])
            case Started():
                begun = _response(self._answer, self._head, "in_progress")
                frames = (self._frame(f"response.{name}", response=begun) for name in ("created", "in_progress"))
                return b"".join(frames)
            case Done():
                return self._open() + self._close()
            case Failed():
                return self.cut(error_of(event.code, event.message))
            case _:
                return b""

    def cut(self, error: LecternError) -> bytes:
        """The response as it failed; an `error` when it had not begun."""
        told = {"code": error.code, "message": error.message}
        if not self._answer.turn_id:
            return self._frame("error", **told, param=None)
        output = [_item(self._answer, "incomplete", [_part(self._answer, self._head.here)])] if self._is_open else []
        failed = _response(self._answer, self._head, "failed", output=output) | {"error": told}
        return self._frame("response.failed", response=failed)

    def _open(self) -> bytes:
        """Begin the message and its text, once."""
        if self._is_open:
            return b""
        self._is_open = True
        item = self._frame("response.output_item.added", output_index=0, item=_item(self._answer, "in_progress", []))
        return item + self._text_frame("response.content_part.added", part=_text_part("", []))

    def _close(self) -> bytes:
        whole = response(self._answer, self._head)
        item = whole["output"][0]
        part = item["content"][0]
        frames = [
            self._text_frame("response.output_text.annotation.added", annotation_index=index, annotation=each)
            for index, each in enumerate(part["annotations"])
        ]
        frames.append(self._text_frame("response.output_text.done", text=part["text"], logprobs=[]))
        frames.append(self._text_frame("response.content_part.done", part=part))
        frames.append(self._frame("response.output_item.done", output_index=0, item=item))
        frames.append(self._frame(f"response.{whole['status']}", response=whole))
        return b"".join(frames)

    def _text_frame(self, kind: str, **fields: object) -> bytes:
        """A frame about the text, which says where that is."""
        return self._frame(kind, item_id=_item_id(self._answer), output_index=0, content_index=0, **fields)

    def _frame(self, kind: str, **fields: object) -> bytes:
        data = {"type": kind, "sequence_number": self._number} | fields
        self._number += 1
        return f"event: {kind}\ndata: {_encode(data)}\n\n".encode()


def _item_id(answer: Answer) -> str:
    return f"msg_{answer.turn_id}"


def _item(answer: Answer, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": _item_id(answer), "type": "message", "role": "assistant", "status": status, "content": content}


def _part(answer: Answer, here: str) -> dict[str, Any]:
    return _text_part(answer.text, [{"type": "url_citation"} | each for each in url_citations(answer, here)])


def _text_part(text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _response(
    answer: Answer,
    head: ResponseHead,
    status: str,
    *,
    output: list[dict[str, Any]] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    return {
        "id": f"{RESPONSE_PREFIX}{answer.turn_id}",
        "object": "response",
        "created_at": head.created_at,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": head.instructions,
        "metadata": {},
        "model": head.model,
        "output": output or [],
        "parallel_tool_calls": False,
        "previous_response_id": head.previous_response_id,
        "conversation": {"id": answer.conversation_id},
        "store": True,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "none",
        "tools": [],
        "top_p": None,
        "usage": _usage(answer),
    }


def _usage(answer: Answer) -> Mapping[str, Any] | None:
    tokens = counted(answer)
    if tokens is None:
        return None
    # The details are required; a provider's cache and its thoughts are not counted here, so none are claimed.
    return {
        "input_tokens": tokens[0],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens[1],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(tokens),
    }

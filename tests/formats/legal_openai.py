"""What OpenAI's streams must look like, from the types of its SDK (`openai.types`) and not from the encoders."""

import json
from typing import Any, Final

from tests.formats.frames import Frame, frames

_REASONS: Final = {"stop", "length", "tool_calls", "content_filter", "function_call"}
_CHUNK: Final = {"id", "object", "created", "model", "choices"}
_HEAD: Final = {"response.created", "response.in_progress"}
_ENDS: Final = {"response.completed", "response.incomplete", "response.failed", "error"}
_ORDER: Final = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.annotation.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
)
_ANY_NUMBER: Final = {"response.output_text.delta", "response.output_text.annotation.added"}


def text_of_legal_completion(stream: bytes, *, with_usage: bool = False) -> str:
    """The text that a client of chat completions ends up with.

    Raises:
        AssertionError: The stream is not legal, or has not exactly one end: a reason and `[DONE]`, or an error.
    """
    read = list(frames(stream))
    assert {(frame.event, frame.id) for frame in read} == {("", "")}
    if read[-1].data != "[DONE]":
        _check_error(json.loads(read.pop().data))
        return "".join(_contents([json.loads(frame.data) for frame in read], reasons=0))
    chunks = [json.loads(frame.data) for frame in read[:-1]]
    if chunks[-1]["choices"] == []:
        assert with_usage
        counted = chunks.pop()["usage"]
        assert counted["total_tokens"] == counted["prompt_tokens"] + counted["completion_tokens"]
    return "".join(_contents(chunks, reasons=1))


def _check_error(error: dict[str, Any]) -> None:
    assert set(error) == {"error"}
    assert {"message", "type", "code"} <= set(error["error"])
    assert isinstance(error["error"]["message"], str)


def _contents(chunks: list[dict[str, Any]], *, reasons: int) -> list[str]:
    """The pieces of the text in these chunks, of which so many say why they end: the last one, or none."""
    assert all(set(chunk) >= _CHUNK and chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) <= 1
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert len(choices) == len(chunks)
    assert all(choice["index"] == 0 for choice in choices)
    found = [choice["finish_reason"] for choice in choices]
    assert len([reason for reason in found if reason is not None]) == reasons
    assert reasons == 0 or found[-1] in _REASONS
    assert [choice["delta"].get("role") for choice in choices[:1]] == ["assistant"] * bool(choices)
    assert not any("role" in choice["delta"] for choice in choices[1:])
    return [choice["delta"].get("content") or "" for choice in choices]


def text_of_legal_response(stream: bytes) -> str:
    """The text that a client of responses ends up with.

    Raises:
        AssertionError: The stream is not legal, or has not exactly one end.
    """
    read = list(frames(stream))
    events = [_event(frame) for frame in read]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"] for event in events]
    assert [kind for kind in kinds if kind in _ENDS] == kinds[-1:]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    if kinds == ["error"]:
        return text
    places = [_ORDER.index(kind) for kind in kinds[:-1]]
    assert places == sorted(places)
    once = [kind for kind in kinds[:-1] if kind not in _ANY_NUMBER]
    assert len(once) == len(set(once))
    assert set(kinds) >= _HEAD
    if kinds[-1] in {"response.completed", "response.incomplete"}:
        assert set(once) == set(_ORDER) - _ANY_NUMBER
    _check_whole(events, text)
    return text


def _event(frame: Frame) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(frame.data)
    assert event["type"] == frame.event
    return event


def _check_whole(events: list[dict[str, Any]], text: str) -> None:
    """What names the whole text has it as the deltas have; and the last event has it in its response."""
    for event in events:
        if event["type"] == "response.output_text.done":
            assert event["text"] == text
    last = events[-1]["response"]
    assert last["status"] == events[-1]["type"].removeprefix("response.")
    assert last["id"] == events[0]["response"]["id"]
    assert (last["error"] is not None) == (last["status"] == "failed")
    assert "".join(part["text"] for item in last["output"] for part in item["content"]) == text

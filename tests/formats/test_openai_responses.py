"""OpenAI's responses, read back as the SDK's own types and by its own accumulator."""

import json
from typing import Any

import pytest
from openai._models import construct_type_unchecked
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.formats.openai_turns import CONVERSATION, FAILED, TURN, rendered, turn

from lectern.errors import ShuttingDown
from lectern.events import Done, Event
from lectern.formats.openai_answer import GrowingAnswer
from lectern.formats.openai_responses import ResponseEncoder, ResponseHead, response

HEAD = ResponseHead(model="lectern", created_at=1_700_000_000, here="http://ask.example/", instructions="Be brief.")
ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The data of each frame, which has its type as its name and the next number."""
    frames = [frame.split("\n") for frame in stream.decode().removesuffix("\n\n").split("\n\n")]
    data = [json.loads(line.removeprefix("data: ")) for _, line in frames]
    assert [name for name, _ in frames] == [f"event: {each['type']}" for each in data]
    assert [each["sequence_number"] for each in data] == list(range(len(data)))
    assert [each["type"] in ENDS for each in data] == [False] * (len(data) - 1) + [True]
    return data


def streamed(events: list[Event]) -> list[dict[str, Any]]:
    """The protocol's events of a turn."""
    return events_of(rendered(ResponseEncoder(HEAD), events))


def whole(events: list[Event]) -> dict[str, Any]:
    """The same turn as one object."""
    answer = GrowingAnswer()
    for event in events:
        answer.take(event)
    return response(answer, HEAD)


def test_a_stream_has_the_events_in_their_order() -> None:
    """What begins ends, and the text is the deltas joined."""
    told = streamed(turn("Reducers ", "are pure [1]."))
    assert [each["type"].removeprefix("response.") for each in told] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert told[-4]["text"] == "Reducers are pure [1]."
    assert told[-1]["response"]["id"] == f"resp_{TURN}"


@pytest.mark.parametrize("event", streamed(turn("Reducers ", "are pure [1].")), ids=lambda event: event["type"])
def test_each_event_is_what_the_sdk_declares(event: dict[str, Any]) -> None:
    """Each required field is there, of its type. What the SDK has of newer details of tokens is left to it."""
    for usage in [event.get("response", {}).get("usage")]:
        if usage:
            usage["input_tokens_details"]["cache_write_tokens"] = 0
    TypeAdapter(ResponseStreamEvent).validate_json(json.dumps(event))


def test_the_sdk_puts_the_answer_together() -> None:
    """Its own accumulator refuses what comes in a wrong order, and what it ends with is the one object."""
    events = turn("Reducers ", "are pure [1, 2].")
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=[], text_format=omit)
    for event in streamed(events):
        state.handle_event(construct_type_unchecked(value=event, type_=ResponseStreamEvent))  # type: ignore[arg-type]
    done = state._completed_response
    assert done is not None
    assert done.output_text == "Reducers are pure [1, 2]."
    assert streamed(events)[-1]["response"] == whole(events)


def test_annotations_say_what_is_cited_where() -> None:
    """One event each, and again with the whole part."""
    told = streamed(turn("Both [1, 2]."))
    added = [each["annotation"] for each in told if each["type"].endswith("annotation.added")]
    assert [(each["start_index"], each["end_index"], each["url"]) for each in added] == [
        (5, 11, "https://docs.example/page-1#part"),
        (5, 11, "https://docs.example/page-2#part"),
    ]
    assert told[-1]["response"]["output"][0]["content"][0]["annotations"] == added


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Done("answered", finish="length"), "max_output_tokens"),
        (Done("answered", finish="filtered"), "content_filter"),
        (Done("cancelled", finish="stopped"), "stopped"),
        (Done("cancelled", finish="abandoned"), "abandoned"),
    ],
)
def test_an_answer_that_is_not_whole_is_incomplete(end: Done, reason: str) -> None:
    """It keeps what was said."""
    last = streamed(turn("Reducers ", end=end))[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
    assert last["response"]["incomplete_details"] == {"reason": reason}
    assert last["response"]["output"][0]["status"] == "incomplete"
    assert last["response"]["output"][0]["content"][0]["text"] == "Reducers "


def test_a_failed_turn_is_a_failed_response() -> None:
    """With the error's code, and what was said until then."""
    last = streamed(turn("Reducers ", end=FAILED))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": "upstream_timeout", "message": FAILED.message}
    assert last["response"]["output"][0]["content"][0]["text"] == "Reducers "
    assert "error" not in last  # the SDK would raise, and not hand the response on


def test_a_cut_before_the_first_event_is_an_error() -> None:
    """There is no response yet that could fail."""
    [last] = events_of(ResponseEncoder(HEAD).cut(ShuttingDown()))
    assert (last["type"], last["code"], last["param"]) == ("error", "shutting_down", None)


def test_one_object_is_what_the_sdk_declares() -> None:
    """And says where the turn is kept; tokens that nobody counted are null."""
    body = whole(turn("Pure.", usage={}))
    assert Response.model_validate_json(json.dumps(body)).output_text == "Pure."
    assert (body["usage"], body["conversation"]) == (None, {"id": CONVERSATION})
    assert (body["instructions"], body["lectern"]["turn_id"]) == ("Be brief.", TURN)

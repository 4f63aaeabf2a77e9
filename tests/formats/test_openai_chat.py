"""OpenAI's chat completions, read back as the SDK's own types."""

import json
from typing import Any, get_args

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.formats.openai_turns import CONVERSATION, FAILED, TURN, USAGE, rendered, turn

from lectern.errors import ShuttingDown
from lectern.events import Degraded, Done, Event
from lectern.formats.openai_answer import GrowingAnswer
from lectern.formats.openai_chat import ChatCompletionEncoder, chat_completion
from lectern.ports import Finish

HERE = "http://ask.example/"


def frames(stream: bytes) -> list[str]:
    """The data of each frame; a frame is one line and a blank one."""
    assert stream.endswith(b"\n\n")
    lines = stream.decode().removesuffix("\n\n").split("\n\n")
    assert all(line.startswith("data: ") and "\n" not in line for line in lines)
    return [line.removeprefix("data: ") for line in lines]


def streamed(events: list[Event], *, include_usage: bool = False) -> list[str]:
    """The frames of a turn."""
    return frames(rendered(encoder(include_usage=include_usage), events))


def encoder(*, include_usage: bool = False) -> ChatCompletionEncoder:
    """An encoder."""
    return ChatCompletionEncoder(model="lectern", created=1_700_000_000, here=HERE, include_usage=include_usage)


def chunks(events: list[Event], *, include_usage: bool = False) -> list[ChatCompletionChunk]:
    """A stream's chunks, strictly as the SDK's types have them."""
    *chunks, end = streamed(events, include_usage=include_usage)
    assert end == "[DONE]"
    return [ChatCompletionChunk.model_validate_json(chunk, strict=True) for chunk in chunks]


def whole(events: list[Event]) -> dict[str, Any]:
    """The same turn as one object."""
    answer = GrowingAnswer()
    for event in events:
        answer.take(event)
    return chat_completion(answer, model="lectern", created=1_700_000_000, here=HERE)


def test_a_stream_opens_with_the_role_and_ends_with_the_reason() -> None:
    """Then text only; all chunks are of one completion. A waking part has no chunk."""
    first, *middle, last = chunks(turn("Reducers ", "are pure [1]."))
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert [chunk.choices[0].delta.content for chunk in middle] == ["Reducers ", "are pure [1]."]
    assert [chunk.choices[0].finish_reason for chunk in (first, *middle, last)] == [None, None, None, "stop"]
    assert {chunk.id for chunk in (first, *middle, last)} == {f"chatcmpl-{TURN}"}
    assert last.choices[0].delta.content is None


def test_any_text_comes_through() -> None:
    """Quotes, line breaks, NUL and any script, in one frame each."""
    pieces = ['"quoted"\n\n', "data: [DONE]", "\\u0000\x00", "پائتھون 😀"]
    assert [chunk.choices[0].delta.content for chunk in chunks(turn(*pieces))][1:-1] == pieces


def test_the_last_delta_says_where_sources_are_cited() -> None:
    """Text and places agree though the citation came in two pieces."""
    last = json.loads(streamed(turn("Né [", "2]."))[-2])
    [annotation] = last["choices"][0]["delta"]["annotations"]
    assert annotation == {
        "type": "url_citation",
        "url_citation": {
            "start_index": 3,
            "end_index": 6,
            "title": "Page 2 › Part",
            "url": "https://docs.example/page-2#part",
        },
    }


def test_citations_come_by_their_source_s_number() -> None:
    """Open WebUI counts the sources in that order, and opens the n-th for `[n]`."""
    last = json.loads(streamed(turn("First [2], then [1], again [2]."))[-2])
    places = [each["url_citation"]["start_index"] for each in last["choices"][0]["delta"]["annotations"]]
    assert places == [16, 6, 27]


def test_tokens_are_told_to_who_asks_for_them() -> None:
    """In one chunk more without choices; each other says that it has none."""
    told = [json.loads(frame) for frame in streamed(turn("Pure."), include_usage=True)[:-1]]
    assert told[-1]["choices"] == []
    assert told[-1]["usage"] == {**USAGE, "total_tokens": 103}
    assert all(chunk["usage"] is None for chunk in told[:-1])
    assert not any("usage" in json.loads(frame) for frame in streamed(turn("Pure."))[:-1])


def test_tokens_that_nobody_counted_are_not_told() -> None:
    """Neither as zeros nor as an estimate: they would be added up as if they were counts."""
    uncounted = turn("Pure.", usage={})
    assert all(chunk.usage is None for chunk in chunks(uncounted, include_usage=True))
    assert "usage" not in whole(uncounted)


@pytest.mark.parametrize("finish", [*get_args(Finish), "stopped", "abandoned"])
def test_each_finish_is_one_of_theirs(finish: Any) -> None:
    """An answer that was ended early has simply stopped; in a stream as in one object."""
    reason = {"length": "length", "filtered": "content_filter"}.get(finish, "stop")
    events = turn("Pure.", end=Done("cancelled" if finish in {"stopped", "abandoned"} else "answered", finish=finish))
    assert chunks(events)[-1].choices[0].finish_reason == reason
    assert whole(events)["choices"][0]["finish_reason"] == reason


def test_a_failure_is_an_error_and_the_end() -> None:
    """No `[DONE]`, by which a client would take what came for the whole."""
    error = json.loads(streamed(turn("Reducers ", end=FAILED))[-1])
    assert error == {
        "error": {
            "message": "The language model did not answer in time.",
            "type": "server_error",
            "param": None,
            "code": "upstream_timeout",
        }
    }


def test_a_cut_stream_ends_with_an_error_wherever_it_is() -> None:
    """Before its first event too."""
    [frame] = frames(encoder().cut(ShuttingDown()))
    assert json.loads(frame)["error"]["code"] == "shutting_down"


def test_one_object_says_what_the_stream_does() -> None:
    """Text, places, reason, tokens and sources."""
    events = turn("Reducers ", "are pure [1].")
    events.insert(3, Degraded("rerank", "upstream_timeout"))
    body = whole(events)
    completion = ChatCompletion.model_validate_json(json.dumps(body), strict=True)
    last = json.loads(streamed(events, include_usage=True)[-3])
    choice = body["choices"][0]
    assert choice["message"]["content"] == "Reducers are pure [1]."
    assert choice["message"]["annotations"] == last["choices"][0]["delta"]["annotations"]
    assert (completion.id, completion.usage and completion.usage.total_tokens) == (f"chatcmpl-{TURN}", 103)
    assert body["lectern"] == last["lectern"]


def test_what_only_lectern_tells_has_a_key_of_its_own() -> None:
    """Where the turn is kept, what became of it, each source, cited or not."""
    told = whole([*turn("Pure.")[:-1], Degraded("rerank", "upstream_timeout"), Done("answered")])["lectern"]
    assert (told["conversation_id"], told["turn_id"], told["outcome"]) == (CONVERSATION, TURN, "answered")
    assert told["degraded"] == {"rerank": "upstream_timeout"}
    assert [source["href"] for source in told["sources"]] == [
        "https://docs.example/page-1#part",
        "https://docs.example/page-2#part",
    ]

"""The AI SDK's UI message stream: what each event becomes, for which version. Its order is `test_every_format.py`'s."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.formats.frames import frames
from tests.formats.turns import positions_of
from tests.scripted import passage

from lectern.errors import ShuttingDown
from lectern.events import Degraded, Delta, Done, Event, Failed, Source, Sources, Started, Waking
from lectern.formats.ai_sdk import OLDEST, AiSdkEncoder, Version, version_of

SOURCE = Source.of(passage(1, "Reducers are pure."))
USAGE = {"prompt_tokens": 100, "completion_tokens": 3}
TIMINGS = {"retrieved": 1.5, "first_token": 20.0, "total": 30.25}
TURN: list[Event] = [
    Started("c-1", "t-1"),
    Waking("index"),
    Sources((SOURCE,)),
    Degraded("llm", "upstream_timeout", "quoting"),
    Delta("Reducers "),
    Delta("are pure [1]."),
    Done("answered", "stop", USAGE, TIMINGS),
]


def parts(events: Sequence[Event], version: Version = OLDEST, *, here: str = "") -> list[dict[str, Any]]:
    """The parts of some events, without the mark of the end."""
    encoder = AiSdkEncoder(version, here=here)
    stream = b"".join(map(encoder.encode, positions_of(events), events))
    return [json.loads(frame.data) for frame in frames(stream) if frame.data != "[DONE]"]


def kinds(events: Sequence[Event]) -> list[str]:
    """The types of their parts."""
    return [part["type"] for part in parts(events)]


def test_a_turn_becomes_a_message_of_one_step() -> None:
    """In the order that the protocol's page shows."""
    assert kinds(TURN) == [
        *("start", "start-step", "data-started", "data-waking", "source-url", "data-sources", "data-degraded"),
        *("text-start", "text-delta", "text-delta", "text-end", "finish-step", "finish"),
    ]


def test_the_message_has_the_turns_id() -> None:
    """So a stream that is sent again takes the place of the message that it was the first time."""
    assert parts(TURN)[0] == {"type": "start", "messageId": "t-1"}


def test_a_source_is_a_link_with_the_name_of_its_section() -> None:
    """All its other fields come beside it."""
    link, whole = [part for part in parts(TURN) if "source" in part["type"]]
    assert link == {"type": "source-url", "sourceId": SOURCE.id, "url": SOURCE.href, "title": "Page 1 › Part"}
    assert whole["data"] == {"sources": [SOURCE.json()]}


@pytest.mark.parametrize("here", ["https://lectern.example.org", "https://lectern.example.org/"])
def test_a_page_that_is_not_published_is_linked_to_here(here: str) -> None:
    """A front end elsewhere could not open a relative link."""
    relative = Sources((Source.of(replace(passage(1), url="/pages/docs/page-1")),))
    [link] = [part for part in parts([TURN[0], relative], here=here) if part["type"] == "source-url"]
    assert link["url"].startswith("https://lectern.example.org/pages/docs/page-1")


def test_what_a_client_need_not_send_back_is_not_kept() -> None:
    """Only what a message must still say when it is shown again stays in it: what stood in for what."""
    data = {part["type"]: part for part in parts(TURN) if part["type"].startswith("data-")}
    assert data.pop("data-degraded") == {
        "type": "data-degraded",
        "id": "llm",
        "data": {"part": "llm", "reason": "upstream_timeout", "used": "quoting"},
    }
    assert all(part["transient"] is True for part in data.values())
    assert data["data-started"]["data"] == {"conversation_id": "c-1", "turn_id": "t-1"}
    assert data["data-waking"]["data"] == {"part": "index"}


def test_the_end_tells_how_the_turn_went() -> None:
    """As the message's metadata, with the conversation that it was kept in."""
    how = {"outcome": "answered", "finish": "stop", "usage": USAGE, "timings": TIMINGS, "conversation_id": "c-1"}
    assert parts(TURN)[-1] == {"type": "finish", "messageMetadata": how}


@pytest.mark.parametrize(
    ("version", "finish", "reason"),
    [
        ((5, 0, 91), "stop", None),
        ((5, 0, 92), "stop", "stop"),
        ((6, 0, 0), "length", "length"),
        ((7, 0, 173), "filtered", "content-filter"),
    ],
)
def test_the_reason_is_told_to_who_knows_it(version: Version, finish: Any, reason: str | None) -> None:
    """`finish.finishReason` is there since 5.0.92; before, it ends the stream with an exception."""
    last = parts([*TURN[:-1], Done("answered", finish)], version)[-1]
    assert last.get("finishReason") == reason


@pytest.mark.parametrize(("version", "reason"), [((5, 0, 277), None), ((6, 0, 14), None), ((6, 0, 15), "stopped")])
def test_a_turn_that_was_stopped_is_aborted(version: Version, reason: str | None) -> None:
    """With its metadata before it, as `abort` has no place for it; its reason is there since 6.0.15."""
    *_, metadata, last = parts([*TURN[:-1], Done("cancelled", "stopped", USAGE)], version)
    assert metadata["messageMetadata"]["outcome"] == "cancelled"
    assert (last["type"], last.get("reason")) == ("abort", reason)


def test_a_failure_is_told_to_the_reader_and_to_the_program() -> None:
    """Clients read nothing after `error`, so the code comes before it; the text that came is ended first."""
    failed = Failed("upstream_timeout", "The model did not answer in time.", retryable=True)
    *_, ended, step, data, error = parts([*TURN[:-1], failed])
    assert (ended["type"], step["type"]) == ("text-end", "finish-step")
    assert data["data"] == {"code": failed.code, "message": failed.message, "retryable": True}
    assert error == {"type": "error", "errorText": failed.message}


def test_a_stream_that_has_ended_is_not_cut() -> None:
    """A worker may stop while the last frame is on its way; a second end would follow it."""
    encoder = AiSdkEncoder()
    for position, event in zip(positions_of(TURN), TURN, strict=True):
        encoder.encode(position, event)
    assert encoder.cut(ShuttingDown()) == b""


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (None, OLDEST),
        ("", OLDEST),
        ("6", (6, 0, 0)),
        (" 5.0.92 ", (5, 0, 92)),
        ("7.0", (7, 0, 0)),
        ("7.0.0-beta.12", (7, 0, 0)),
        ("6.0.15+build", (6, 0, 15)),
        ("4.3.19", OLDEST),
        ("v6", OLDEST),
        ("^6.0.0", OLDEST),
        ("6.", OLDEST),
        ("-1", OLDEST),
        ("٦", OLDEST),
        ("9" * 5000, OLDEST),
    ],
)
def test_a_version_is_read_or_taken_for_the_oldest(text: str | None, version: Version) -> None:
    """What makes no sense promises nothing, so the client gets what every one knows."""
    assert version_of(text) == version

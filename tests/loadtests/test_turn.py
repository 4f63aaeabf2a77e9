"""A streamed turn as a load test's reader sees it."""

import pytest
from loadtests import reading
from loadtests.turn import EVENT_STREAM, Turn, parse
from tests.conftest import MakeClient
from tests.scripted import ScriptedLLM

from lectern.errors import UpstreamUnavailable

STARTED = b'event: started\nid: 1\ndata: {"conversation_id": "c", "turn_id": "t"}'
SOURCES = b'event: sources\nid: 2\ndata: {"sources": []}'
DELTA = b'event: delta\nid: 3\ndata: {"text": "a"}'
DONE = b'event: done\nid: 4\ndata: {"outcome": "answered"}'


def fed(*frames: bytes) -> Turn:
    """A turn that was fed these frames."""
    turn = Turn()
    for frame in frames:
        turn.take(frame)
    return turn


def test_each_milestone_is_told_once() -> None:
    """The first frame of a kind is its milestone; a comment and a second word are none."""
    turn = Turn()
    told = [turn.take(frame) for frame in (STARTED, b": ping", SOURCES, DELTA, DELTA, DONE)]
    assert told == ["accepted", None, "sources", "first_token", None, "done"]
    assert (turn.session, turn.tokens, turn.complaint) == ("c", 2, "")


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ((), "truncated after nothing"),
        ((STARTED, SOURCES, DELTA), "truncated after delta"),
        ((STARTED, SOURCES, DONE), "an answer without a word"),
        ((STARTED, b'event: failed\ndata: {"code": "too_busy"}'), "failed: too_busy"),
    ],
)
def test_a_turn_that_is_no_answer_is_told(frames: tuple[bytes, ...], complaint: str) -> None:
    """A load test counts it as an error, not as a fast answer."""
    assert fed(*frames).complaint == complaint


def test_a_frame_is_read_whatever_stands_in_it() -> None:
    """Line breaks of a text are escaped in its JSON."""
    assert parse('event: delta\ndata: {"text": "a\\n: é"}'.encode()) == ("delta", {"text": "a\n: é"})


async def test_what_readers_send_and_read_is_what_the_service_takes_and_answers(make_client: MakeClient) -> None:
    """A change of the API breaks this, not the load test: each body, each field that is looked at, a whole stream."""
    client = make_client()
    answer = (await client.post("/chat", json=reading.chat("What is a reducer?"))).json()
    assert reading.chat_complaint(answer) == ""
    found = (await client.post("/search", json=reading.search("reducers"))).json()
    assert found["results"]
    assert reading.search_complaint(found) == ""
    turn = Turn()
    body = reading.chat("And why?", answer["session_id"])
    async with client.stream("POST", "/chat", json=body, headers={"Accept": EVENT_STREAM}) as response:
        frames = (await response.aread()).removesuffix(b"\n\n").split(b"\n\n")
    milestones = [milestone for milestone in map(turn.take, frames) if milestone]
    assert milestones == ["accepted", "sources", "first_token", "done"]
    assert (turn.complaint, turn.session) == ("", answer["session_id"])


async def test_a_failed_turn_of_the_service_is_a_failure_of_the_load_test(make_client: MakeClient) -> None:
    """What ends in `failed` is never counted as answered."""
    client = make_client(llm=ScriptedLLM("Half ", UpstreamUnavailable()))
    async with client.stream("POST", "/chat", json=reading.chat("?"), headers={"Accept": EVENT_STREAM}) as response:
        frames = (await response.aread()).removesuffix(b"\n\n").split(b"\n\n")
    assert fed(*frames).complaint == "failed: upstream_unavailable"


@pytest.mark.parametrize("answer", [{}, {"session_id": "s", "message": "", "sources": [], "metadata": {}}])
def test_an_empty_answer_is_told(answer: dict[str, object]) -> None:
    """A status of 200 alone is no answer."""
    assert reading.chat_complaint(answer)
    assert reading.search_complaint(answer)

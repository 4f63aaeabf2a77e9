"""The study API's streams: sections in their order, one end, and errors with a status of their own before that."""

import asyncio
import json
import re
from contextlib import aclosing
from typing import Any

import pytest
from tests.chat.test_endpoints import events
from tests.conftest import Client
from tests.study.chapters_of import RewritingModel
from tests.study.conftest import MakeStudent

from lectern.config import Settings
from lectern.errors import LecternError, UpstreamTimeout, UpstreamUnavailable
from lectern.ports import Usage
from lectern.study.events import Done, Event, Failed, Section, Started
from lectern.study.order import Items, Order, collect
from lectern.study.order import events as events_of
from lectern.study.rewriting import Rewritten, SectionReady
from lectern.study.schemas import AdjustedText, StudyMetadata
from lectern.study.segments import cut

SSE = {"Accept": "text/event-stream"}


def order() -> Order:
    """Of a text with two sections; the first of its texts is a title."""

    def answer(written: Rewritten, ms: float) -> AdjustedText:
        metadata = StudyMetadata(processing_time_ms=ms, tokens_used=0, model_calls=1, segments=4, cached=0)
        return AdjustedText(content=written.texts[1], unchanged=[], metadata=metadata)

    texts = (cut("Title"), cut("Lead.\n\n# One\n\nText.\n"))
    return Order(texts, None, answer, body=1, opening={"target_level": "pro"}, content="content")


WRITTEN = Rewritten(("T", "a b"), (), Usage(), 1, 4, 0)
READY = (SectionReady(0, 0, "T", 1, 4), SectionReady(1, 0, "a ", 2, 4), SectionReady(1, 1, "b", 4, 4))


async def items(*said: object, hold: asyncio.Event | None = None, closed: list[str] | None = None) -> Items:
    """A rewriter that says this, and raises what is an error; it waits before its second item."""
    try:
        for number, item in enumerate(said):
            if number == 1 and hold is not None:
                await hold.wait()
            if isinstance(item, Exception):
                raise item
            assert isinstance(item, SectionReady | Rewritten)
            yield item
    finally:
        if closed is not None:
            closed.append("closed")


async def told(written: Items, patience: float = 5) -> list[Event]:
    """All events."""
    async with aclosing(events_of(order(), written, began=0, patience_seconds=patience)) as stream:
        return [event async for event in stream]


async def test_a_stream_has_its_sections_in_order_and_one_end() -> None:
    """The title is none of them; `done` has the answer's fields without the text."""
    started, first, second, done = await told(items(*READY, WRITTEN))
    assert started == Started({"target_level": "pro", "sections": 2})
    assert (first, second) == (Section(0, 2, "a ", 2, 4), Section(1, 2, "b", 4, 4))
    assert isinstance(done, Done)
    assert set(done.data) == {"unchanged", "metadata"}


async def test_an_error_before_the_stream_is_raised() -> None:
    """It has a status of its own then."""
    with pytest.raises(UpstreamTimeout):
        await told(items(UpstreamTimeout()))


@pytest.mark.parametrize(
    ("error", "code"), [(UpstreamUnavailable(), "upstream_unavailable"), (ValueError("secret"), "internal_error")]
)
async def test_an_error_in_the_stream_ends_it(error: Exception, code: str) -> None:
    """As `failed`, with nothing of an exception's text."""
    *_, last = await told(items(READY[1], error))
    assert isinstance(last, Failed)
    assert last.data["code"] == code
    assert "secret" not in str(last.data)


async def test_a_rewriter_that_stops_short_is_a_failure() -> None:
    """A stream never ends without its last event, an answer never without its text."""
    assert isinstance((await told(items(READY[1])))[-1], Failed)
    with pytest.raises(LecternError):
        await collect(order(), items(READY[1]), began=0)


async def test_a_slow_stream_begins_without_a_section() -> None:
    """From then on an error is an event."""
    hold = asyncio.Event()

    async def slow() -> Items:
        await hold.wait()
        raise UpstreamUnavailable
        yield WRITTEN

    async with aclosing(events_of(order(), slow(), began=0, patience_seconds=0.01)) as stream:
        assert isinstance(await anext(stream), Started)
        hold.set()
        assert isinstance(await anext(stream), Failed)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_leaving_ends_the_work() -> None:
    """The rewriter is closed by the time the stream is."""
    closed: list[str] = []
    stream = events_of(order(), items(*READY, hold=asyncio.Event(), closed=closed), began=0, patience_seconds=5)
    assert isinstance(await anext(stream), Started)
    await stream.aclose()
    assert closed == ["closed"]


async def frames(client: Client, path: str, body: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The frames of a stream."""
    response = await client.post(path, json=body, headers=SSE)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events(response.text)


@pytest.mark.parametrize(
    ("path", "body", "content"),
    [
        ("/translate", {"chapter_id": "docs/nodes", "user_id": "u"}, "translated_content"),
        ("/translate", {"text": "Hello.\n\n# One\n\nBye."}, "translation"),
        ("/adjust-content", {"text": "Hello.\n\n# One\n\nBye.", "target_level": "pro"}, "content"),
        ("/personalize", {"chapter_slug": "nodes", "user_profile": {"proficiency": "pro"}}, "personalized_content"),
    ],
)
async def test_each_answer_is_had_as_a_stream(student: Client, path: str, body: dict[str, Any], content: str) -> None:
    """The sections joined are the answer's text; `started` and `done` have the rest; numbers count from one."""
    streamed = await frames(student, path, body)
    whole = (await student.post(path, json=body)).json()
    assert [number for _, number, _ in streamed] == [str(n + 1) for n in range(len(streamed))]
    (_, _, started), *sections, (last, _, done) = streamed
    assert (streamed[0][0], last) == ("started", "done")
    assert {name for name, _, _ in sections} == {"section"}
    assert "".join(data["markdown"] for _, _, data in sections) == whole[content]
    assert [data["index"] for _, _, data in sections] == list(range(started["sections"]))
    assert {data["of"] for _, _, data in sections} == {started["sections"]}
    assert sections[-1][2]["done"] == sections[-1][2]["total"] == done["metadata"]["segments"]
    assert set(done) == set(whole) - {content}
    for name in set(started) - {"sections", "target_level"}:
        assert started[name] == whole[name]
    asked = await student.post(path, json=body | {"stream": True})
    assert [name for name, _, _ in events(asked.text)] == [name for name, _, _ in streamed]


async def test_before_the_stream_errors_have_their_status(make_student: MakeStudent) -> None:
    """An unknown chapter, no model, a model that is down."""
    for model, body, status in (
        (RewritingModel(), {"chapter_id": "nowhere"}, 404),
        (None, {"text": "x"}, 503),
        (RewritingModel(errors=[UpstreamUnavailable()] * 50), {"text": "x y."}, 502),
    ):
        response = await make_student(model).post("/translate", json=body, headers=SSE)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_slow_model_is_waited_for_in_the_stream(make_student: MakeStudent, settings: Settings) -> None:
    """The reader hears `started` and pings before the first section."""
    hold = asyncio.Event()
    changed = settings.model_copy(update={"waking_seconds": 0.01, "heartbeat_seconds": 0.01})
    client = make_student(RewritingModel(hold=hold), changed=changed)
    asyncio.get_running_loop().call_later(0.2, hold.set)
    response = await client.post("/translate", json={"text": "Hello."}, headers=SSE)
    assert re.search(r"^event: started.*: ping.*event: section", response.text, re.DOTALL)
    assert events(response.text)[-1][0] == "done"


async def test_a_reader_who_leaves_ends_the_work(make_student: MakeStudent, settings: Settings) -> None:
    """Before the first byte, and while the sections come: the model is not asked any longer."""
    for patience in (60.0, 0.01):
        model = RewritingModel(hold=asyncio.Event())
        client = make_student(model, changed=settings.model_copy(update={"waking_seconds": patience}))
        app = client._transport.app  # type: ignore[attr-defined]
        await _left(app, model)
        assert model.open == 0


async def _left(app: Any, model: RewritingModel) -> None:
    """Ask for a stream and go as soon as the model is at work."""
    body = json.dumps({"text": "Hello.", "stream": True}).encode()
    received = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(received, None)) is not None:
            return message
        while not model.open:  # noqa: ASYNC110 - the model tells nobody
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        return

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/translate",
        "raw_path": b"/translate",
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("x", 80),
    }
    async with asyncio.timeout(20):
        await app(scope, receive, send)

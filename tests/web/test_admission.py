"""The door of the whole app, and its middleware by itself."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.conftest import Client, MakeClient
from tests.scripted import ScriptedLLM

from lectern.api import METERED, SHAPES
from lectern.config import Settings
from lectern.errors import TooBusy
from lectern.resilience.admission import Limiter
from lectern.resilience.door import Door
from lectern.resilience.sensor import Sensor
from lectern.web.admission import RETRY_AFTER_SECONDS, AdmissionMiddleware
from lectern.web.problems import PROBLEM, problem_body, shape_for

QUESTION = {"message": "What is a reducer?"}
CHAT: Scope = {"type": "http", "method": "POST", "path": "/chat"}


class Full:
    """A client of an app that has room for one turn, which is taken."""

    def __init__(self, client: Client, turn: asyncio.Task[object], go_on: asyncio.Event) -> None:
        self.client, self.turn, self.go_on = client, turn, go_on


@pytest.fixture
async def full(make_client: MakeClient, settings: Settings) -> Full:
    """A turn is under way until `go_on`."""
    go_on = asyncio.Event()
    llm = ScriptedLLM("Reducers ", "are pure [1].", hold=go_on)
    client = make_client(llm=llm, changed=settings.model_copy(update={"max_turns": 1}))
    turn = asyncio.create_task(client.post("/chat", json=QUESTION))
    while not llm.open:  # noqa: ASYNC110 - the script has no event for its start
        await asyncio.sleep(0.01)
    return Full(client, turn, go_on)


@pytest.mark.parametrize(("method", "path"), sorted(METERED))
async def test_what_there_is_no_room_for_is_refused(full: Full, method: str, path: str) -> None:
    """With the body that every error of its path has, under the request's id, and when to come again."""
    response = await full.client.request(method, path, content=b"{", headers={"X-Request-ID": "abc-1"})
    shape = shape_for(path, SHAPES)
    own_id = {"request_id": "abc-1"} if shape is PROBLEM else {}
    assert (response.status_code, response.headers["content-type"]) == (503, shape.media_type)
    body = shape.body(TooBusy())
    if isinstance(body, str):
        assert response.text == body
    else:
        assert response.json() == body | own_id
    assert response.headers["x-request-id"] == "abc-1"
    assert int(response.headers["retry-after"]) in RETRY_AFTER_SECONDS
    full.go_on.set()
    await full.turn
    assert (await full.client.request(method, path, content=b"{")).status_code != 503


async def test_what_costs_nothing_is_never_refused(full: Full) -> None:
    """Health, pages, preflights, deletions."""
    origin = {"Origin": "http://localhost:3000"}
    preflight = origin | {"Access-Control-Request-Method": "POST"}
    assert (await full.client.get("/health", headers=origin)).status_code == 200
    assert (await full.client.get("/")).status_code == 200
    assert (await full.client.options("/chat", headers=preflight)).status_code == 200
    assert (await full.client.delete("/chat/sessions/00000000-0000-4000-8000-000000000000")).status_code == 404
    assert (await full.client.get("/chat")).status_code == 405


async def test_a_browser_may_read_the_refusal(full: Full) -> None:
    """It names the page's origin, and shows when to come again."""
    response = await full.client.post("/chat", json=QUESTION, headers={"Origin": "http://localhost:3000"})
    assert response.status_code == 503
    assert response.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "Retry-After" in response.headers["access-control-expose-headers"]


async def test_a_page_that_may_not_call_takes_no_place(full: Full) -> None:
    """It is told that it may not, not that there is no room."""
    response = await full.client.post("/chat", json=QUESTION, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403


async def test_health_tells_how_many_are_under_way(full: Full) -> None:
    """Of the worker that is asked; the limit is null while there is no pressure."""
    await full.client.post("/chat", json=QUESTION)
    assert (await full.client.get("/health")).json()["turns"] == {"under_way": 1, "limit": None, "refused": 1}
    full.go_on.set()
    await full.turn
    assert (await full.client.get("/health")).json()["turns"] == {"under_way": 0, "limit": None, "refused": 1}


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


async def unread() -> Message:
    """No byte of a refused request may be asked for."""
    raise AssertionError


def behind(
    app: Callable[[Scope, Receive, Send], Awaitable[None]], clock: Clock | None = None, sensor: Sensor | None = None
) -> tuple[AdmissionMiddleware, Door]:
    """An app behind a door with room for one."""
    clock = clock or Clock()
    door = Door(Limiter(1), sensor or Sensor(), clock=clock)
    return AdmissionMiddleware(app, door=door, metered=METERED), door


async def asked(app: AdmissionMiddleware) -> list[Message]:
    """What is sent for a question."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(dict(CHAT), unread, send)
    return sent


async def test_a_refusal_reads_nothing_of_the_request() -> None:
    """Nor does its answer depend on it; the length is that of the body."""
    app, door = behind(_never)
    assert door.enter()
    start, body = await asked(app)
    assert start["status"] == 503
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert json.loads(body["body"]) == problem_body(TooBusy())
    door.leave()


async def test_those_refused_together_are_sent_back_at_different_times() -> None:
    """All of the seconds occur."""
    app, door = behind(_never)
    assert door.enter()
    told = {dict((await asked(app))[0]["headers"])[b"retry-after"] for _ in range(100)}
    assert told == {str(seconds).encode() for seconds in RETRY_AFTER_SECONDS}
    door.leave()


@pytest.mark.parametrize("error", [None, ValueError(), asyncio.CancelledError()], ids=["whole", "defect", "cancelled"])
async def test_a_place_is_given_back_however_the_turn_ends(error: BaseException | None) -> None:
    """By its end, by a defect, by a worker that stops."""

    async def turn(_scope: Scope, _receive: Receive, _send: Send) -> None:
        assert door.turns == 1
        if error is not None:
            raise error

    app, door = behind(turn)
    for _ in range(3):
        with suppress(ValueError, asyncio.CancelledError):
            await asked(app)
        assert (door.turns, door.refused) == (0, 0)


async def test_refusing_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """With what it was for, and how many were refused; not a line for each of them."""
    clock = Clock()
    app, door = behind(_never, clock, Sensor(clock))
    with caplog.at_level(logging.INFO):
        assert door.enter()
        for _ in range(50):
            await asked(app)
        clock.now += 1.5
        await asked(app)
        clock.now += 10
        async with asyncio.timeout(30):
            while len(caplog.messages) < 2:  # noqa: ASYNC110 - the next sample tells
                await asyncio.sleep(0.01)
    assert caplog.messages == [
        "Refusing new turns: 1 are under way, as many as MAX_TURNS allows",
        "Taking all turns again: 51 were refused within 1.5 s",
    ]
    door.leave()


async def test_a_worker_without_turns_is_left_asleep() -> None:
    """No timer of the sensor outlives the last turn."""
    listening: list[bool] = []

    class Noted(Sensor):
        def listen(self, listener: object) -> None:
            listening.append(True)

        def ignore(self, listener: object) -> None:
            listening.append(False)

    _, door = behind(_never, sensor=Noted())
    door.enter()
    door.leave()
    assert listening == [True, False]


async def _never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError

"""Turns over HTTP while they are under way: gone on with, stopped, asked for twice."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from tests.chat.dictation import Dictation
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.chat.test_endpoints import SSE, events
from tests.conftest import Client, MakeClient
from tests.scripted import FixedIndex

from lectern.chat.live_turn import LiveTurn
from lectern.config import Settings
from lectern.errors import IndexUnavailable

ASKED = {"message": "What is a reducer?"}


class Bed:
    """A client of the app, and the model that it asks."""

    def __init__(self, make_client: MakeClient, **more: Any) -> None:
        self.llm = Dictation()
        self.client: Client = make_client(llm=self.llm, **more)

    @property
    def live(self) -> dict[str, LiveTurn]:
        """The turns that are under way."""
        transport = self.client._transport
        assert isinstance(transport, httpx2.ASGITransport)
        assert isinstance(transport.app, FastAPI)
        found: dict[str, LiveTurn] = transport.app.state.chat.turns._live
        return found

    def ask(self, headers: dict[str, str] | None = None, **more: Any) -> asyncio.Task[httpx2.Response]:
        """Ask; the response comes when the turn is over."""
        sent = self.client.post("/chat", json=ASKED | more, headers=SSE if headers is None else headers)
        return asyncio.create_task(sent)

    async def said(self, pieces: int) -> LiveTurn:
        """The one turn that is under way, when it has come to so many deltas."""
        await self.llm.asked.wait()
        (turn,) = self.live.values()
        while sum(event.name == "delta" for event in turn.events) < pieces:
            await turn.news()
        return turn

    async def follow(
        self, turn_id: str, position: object = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """Follow a turn to its end."""
        told = {"Last-Event-ID": str(position)} if position is not None else {}
        return await self.client.get(f"/chat/turns/{turn_id}/stream", headers=told | (headers or {}))


@pytest.fixture
async def bed(make_client: MakeClient) -> AsyncGenerator[Bed, None]:
    """A service where Anne and Ben can sign in."""
    bed = Bed(make_client, identities=(logins(),))
    yield bed
    for turn in list(bed.live.values()):
        turn.end("stopped")
        await turn.wait()


async def test_a_stream_is_gone_on_with(bed: Bed) -> None:
    """From the last `id` a client saw the rest comes, with the same ids; without one, everything."""
    asking = bed.ask()
    bed.llm.say("Reducers ", "are pure.")
    turn = await bed.said(2)
    seen = turn.positions[2]
    rest = asyncio.create_task(bed.follow(turn.id, seen))
    everything = asyncio.create_task(bed.follow(turn.id))
    await asyncio.sleep(0)
    bed.llm.end()
    whole = await asking
    frames = events(whole.text)
    assert [name for name, _, _ in frames] == ["started", "sources", "delta", "delta", "done"]
    assert frames[2][1] == str(seen)
    assert events((await rest).text) == frames[3:]
    again = await everything
    assert again.content == whole.content
    assert again.headers["content-type"].startswith("text/event-stream")
    assert again.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("position", ["-1", "abc", "1.5", "1e3", "999999999999", "9" * 40, "٣"])
async def test_a_position_that_is_none_is_refused(bed: Bed, position: str) -> None:
    """No number, or one from the future: 422, and no stream."""
    bed.ask()
    turn = await bed.said(0)
    response = await bed.client.get(f"/chat/turns/{turn.id}/stream", headers=[(b"Last-Event-ID", position.encode())])
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")
    assert len(response.json()["message"]) < 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("turn", ["00000000-0000-0000-0000-000000000000", None])
async def test_a_turn_that_is_none_is_404(bed: Bed, method: str, turn: str | None) -> None:
    """Whatever is wanted of it."""
    path = f"/chat/turns/{turn or uuid.uuid4()}" + ("/stream" if method == "GET" else "")
    response = await bed.client.request(method, path)
    assert (response.status_code, response.json()["error"]) == (404, "turn_not_found")


async def test_anothers_turn_is_404(bed: Bed) -> None:
    """Not 403: that there is such a turn is nobody's to know but its reader's."""
    asking = bed.ask(headers=SSE | bearer(ANNE))
    bed.llm.say("Pure.")
    turn = await bed.said(1)
    for headers in ({}, bearer(BEN)):
        assert (await bed.follow(turn.id, 1, headers)).status_code == 404
        assert (await bed.client.delete(f"/chat/turns/{turn.id}", headers=headers)).status_code == 404
    own = asyncio.create_task(bed.follow(turn.id, 1, bearer(ANNE)))
    await asyncio.sleep(0)
    bed.llm.end()
    assert events((await own).text) == events((await asking).text)[1:]


async def test_one_connection_stops_what_another_streams(bed: Bed) -> None:
    """The answer comes when what was said is kept; the stream ends with `done`, and says why."""
    asking = bed.ask()
    bed.llm.say("Reducers ")
    turn = await bed.said(1)
    stopped = await bed.client.delete(f"/chat/turns/{turn.id}")
    assert (stopped.status_code, stopped.json()["turn_id"]) == (200, turn.id)
    assert bed.llm.open == 0
    name, _, data = events((await asking).text)[-1]
    assert (name, data["outcome"], data["finish"]) == ("done", "cancelled", "stopped")
    assert (await bed.client.delete(f"/chat/turns/{turn.id}")).status_code == 404


async def test_one_object_that_is_stopped_has_what_was_said(bed: Bed) -> None:
    """Who does not stream gets the part, and is told that it is one."""
    asking = bed.ask(headers={})
    bed.llm.say("Reducers ")
    turn = await bed.said(1)
    await bed.client.delete(f"/chat/turns/{turn.id}")
    body = (await asking).json()
    assert (body["message"], body["turn_id"]) == ("Reducers ", turn.id)
    assert (body["metadata"]["outcome"], body["metadata"]["finish"]) == ("cancelled", "stopped")


@pytest.mark.parametrize("headers", [{}, bearer(ANNE)], ids=["visitor", "signed in"])
async def test_a_key_makes_two_requests_one_turn(bed: Bed, headers: dict[str, str]) -> None:
    """A stream and an object, sent at once: one call of the model, one turn, and both have the whole answer."""
    keyed = headers | {"Idempotency-Key": "7f0c-1"}
    streaming, whole = bed.ask(headers=SSE | keyed), bed.ask(headers=keyed)
    bed.llm.say("Reducers ", "are pure.")
    bed.llm.end()
    seen, body = events((await streaming).text), (await whole).json()
    assert body["message"] == "Reducers are pure."
    assert seen[0][2] == {"conversation_id": body["session_id"], "turn_id": body["turn_id"]}
    assert "".join(data["text"] for name, _, data in seen if name == "delta") == body["message"]
    assert len(bed.llm.prompts) == 1


async def test_a_key_is_for_one_message(bed: Bed) -> None:
    """With another it is 422, whatever else is the same."""
    bed.ask(headers={"Idempotency-Key": "once"})
    await bed.said(0)
    for changed in ({"message": "And a store?"}, {"context": "pure"}, {"session_id": str(uuid.uuid4())}):
        response = await bed.client.post("/chat", json=ASKED | changed, headers={"Idempotency-Key": "once"})
        assert (response.status_code, response.json()["error"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("key", [b"", b"x" * 201, b"a\tb", "\u00e9".encode(), b"\xff"])
async def test_a_key_that_is_none_is_refused(bed: Bed, key: bytes) -> None:
    """Nothing is asked, so a client with a broken key notices it at once."""
    response = await bed.client.post("/chat", json=ASKED, headers=[(b"Idempotency-Key", key)])
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")
    assert bed.llm.prompts == []


@pytest.mark.parametrize("key", ["x", "x" * 200, "a b", "~!\"'{}"])
async def test_a_key_may_be_any_printable_ascii(bed: Bed, key: str) -> None:
    """Up to 200 characters."""
    bed.llm.say("Pure.")
    bed.llm.end()
    response = await bed.client.post("/chat", json=ASKED, headers={"Idempotency-Key": key})
    assert response.json()["message"] == "Pure."


async def test_no_more_follow_than_may(make_client: MakeClient, settings: Settings) -> None:
    """429, with when to try again; those who follow are not disturbed."""
    bed = Bed(make_client, changed=settings.model_copy(update={"max_followers": 1}))
    asking = bed.ask()
    bed.llm.say("Pure.")
    turn = await bed.said(1)
    refused = await bed.follow(turn.id)
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_followers")
    assert int(refused.headers["retry-after"]) > 0
    bed.llm.end()
    assert events((await asking).text)[-1][0] == "done"


async def test_an_error_before_the_first_event_has_its_status(make_client: MakeClient) -> None:
    """For each who asked with the key, as a stream or not."""
    bed = Bed(make_client, index=FixedIndex(IndexUnavailable()))
    keyed = {"Idempotency-Key": "once"}
    for response in await asyncio.gather(bed.ask(headers=SSE | keyed), bed.ask(headers=keyed)):
        assert (response.status_code, response.json()["error"]) == (503, "index_unavailable")

"""Resume and stop of a chat, over HTTP in this process, while its turn is under way and when it is over."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest
from tests.ai_sdk.test_endpoints import CHAT, body, part, parts
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.conftest import Client, MakeClient
from tests.formats.legal_ai_sdk import text_of_legal_stream
from tests.scripted import ScriptedLLM

from lectern.chat.live_turn import LiveTurn

STREAM = f"/api/chat/{CHAT}/stream"
Answer = asyncio.Task[httpx2.Response]
Asking = Callable[..., AbstractAsyncContextManager[Answer]]


@pytest.fixture
def go_on() -> asyncio.Event:
    """Lets the model say the rest."""
    return asyncio.Event()


@pytest.fixture
def llm(go_on: asyncio.Event) -> ScriptedLLM:
    """A model that waits after its first word."""
    return ScriptedLLM("Reducers ", "are pure [1].", hold=go_on)


@pytest.fixture
def client(make_client: MakeClient, llm: ScriptedLLM) -> Client:
    """A client of an app with logins."""
    return make_client(llm=llm, identities=(logins(),))


@pytest.fixture
def asking(client: Client, llm: ScriptedLLM, go_on: asyncio.Event) -> Asking:
    """Begins a turn, and has it under way; lets it end at the end."""

    @asynccontextmanager
    async def ask(headers: dict[str, str] | None = None, chat_id: str = CHAT) -> AsyncGenerator[Answer, None]:
        asked = asyncio.create_task(
            client.post("/api/chat", json=body("What is a reducer?", chat_id=chat_id), headers=headers or {})
        )
        while not llm.open:  # noqa: ASYNC110 - the script has no event for its start
            await asyncio.sleep(0.01)
        yield asked
        go_on.set()
        await asyncio.wait({asked})

    return ask


def live_turns(client: Client) -> list[LiveTurn]:
    """The turns that are under way in a client's app."""
    app = client._transport.app  # type: ignore[attr-defined]
    return list(app.state.chat.turns._live.values())


async def followed_by(readers: int, client: Client) -> None:
    """Wait until so many follow the one turn that is under way."""
    while [turn._followers for turn in live_turns(client)] != [readers]:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.01)


async def test_what_is_under_way_is_sent_from_its_first_part(
    client: Client, asking: Asking, go_on: asyncio.Event
) -> None:
    """To whoever comes back, with the same message id and to the same end; byte by byte what the first one gets."""
    async with asking() as asked:
        client.cookies.clear()  # a page on another origin sends none
        resumed = asyncio.create_task(client.get(STREAM))
        await followed_by(2, client)
        go_on.set()
        assert (await resumed).content == (await asked).content
        assert text_of_legal_stream(resumed.result().content) == "Reducers are pure [1]."
        assert resumed.result().headers["x-vercel-ai-ui-message-stream"] == "v1"


async def test_nothing_under_way_is_204(client: Client, asking: Asking) -> None:
    """A chat that nobody began, one that has ended, and one whose id could be anybody's."""
    assert (await client.get(STREAM)).status_code == 204
    async with asking():
        pass
    for chat in (CHAT, "1", "0c6c1b4e-5a0b-4ad5-9d3c-2f7f0f1f8f10"):
        client.cookies.clear()
        nothing = await client.get(f"/api/chat/{chat}/stream")
        assert (nothing.status_code, nothing.content) == (204, b"")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_anothers_chat_is_as_one_that_is_not_there(client: Client, asking: Asking, method: str) -> None:
    """It is neither shown nor stopped, nor told that it is there."""
    async with asking(bearer(ANNE)) as asked:
        for headers in ({}, bearer(BEN)):
            assert (await client.request(method, STREAM, headers=headers)).status_code == 204
        assert not asked.done()


async def test_a_short_id_is_resumed_by_its_reader_only(client: Client, asking: Asking, go_on: asyncio.Event) -> None:
    """Two readers have a chat `1` each."""
    async with asking(bearer(ANNE), chat_id="1") as asked:
        assert (await client.get("/api/chat/1/stream", headers=bearer(BEN))).status_code == 204
        resumed = asyncio.create_task(client.get("/api/chat/1/stream", headers=bearer(ANNE)))
        await followed_by(2, client)
        go_on.set()
        assert (await resumed).content == (await asked).content


async def test_a_stop_ends_the_turn_for_all_who_follow(client: Client, asking: Asking) -> None:
    """With an `abort` after what was said, which is kept; another stop finds nothing to do."""
    async with asking(bearer(ANNE)) as asked:
        assert (await client.delete(STREAM, headers=bearer(ANNE))).status_code == 204
        stopped = await asked
    assert text_of_legal_stream(stopped.content) == "Reducers "
    assert parts(stopped)[-1] == {"type": "abort"}
    how = part(stopped, "message-metadata")["messageMetadata"]
    assert (how["outcome"], how["finish"]) == ("cancelled", "stopped")
    session = (await client.get(f"/api/chat/sessions/{how['conversation_id']}", headers=bearer(ANNE))).json()
    assert [(each["content"], each["outcome"]) for each in session["messages"]][-1] == ("Reducers ", "cancelled")
    assert (await client.delete(STREAM, headers=bearer(ANNE))).status_code == 204


async def test_a_turn_is_followed_by_its_message(client: Client, asking: Asking, go_on: asyncio.Event) -> None:
    """For who knows which answer it had begun to read; one that there is none of is 204 as well."""
    async with asking() as asked:
        [turn] = live_turns(client)
        resumed = asyncio.create_task(client.get("/api/chat/1/stream", params={"turn_id": turn.id}))
        await followed_by(2, client)
        go_on.set()
        assert (await resumed).content == (await asked).content
        assert part(resumed.result(), "start")["messageId"] == turn.id
    unknown = await client.get(STREAM, params={"turn_id": "0c6c1b4e-5a0b-4ad5-9d3c-2f7f0f1f8f10"})
    assert unknown.status_code == 204
    assert (await client.get(STREAM, params={"turn_id": "msg-1"})).status_code == 422


async def test_the_chat_called_sessions_takes_nobodys_address(client: Client) -> None:
    """The list of conversations stands there first."""
    assert (await client.get("/api/chat/sessions/stream")).status_code == 401
    assert (await client.get("/api/chat/sessions", headers=bearer(ANNE))).status_code == 200

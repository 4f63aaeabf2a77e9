"""`POST /mcp` in this process: what is refused and how, what a tool's failure tells, and who is let go."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from tests.chat.test_budgets import budgets
from tests.conftest import MakeClient
from tests.counting import MemoryCounters
from tests.mcp.agents import HEADERS, call, message
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage

from lectern.chat.live_turn import Patience
from lectern.chat.turns import Turns
from lectern.config import Settings
from lectern.errors import IndexUnavailable, UpstreamUnavailable
from lectern.ops.logs import request_id
from lectern.ports import LLM, Hits, Index
from lectern.resilience import deadline

NEWEST = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
Post = Callable[..., Any]


def app_of(client: httpx2.AsyncClient) -> FastAPI:
    """The app behind a client."""
    app: FastAPI = client._transport.app  # type: ignore[attr-defined]
    return app


@pytest.fixture
async def opened(make_client: MakeClient) -> AsyncGenerator[Callable[..., httpx2.AsyncClient], None]:
    """Makes clients of apps, and ends what their `/mcp` began."""
    clients: list[httpx2.AsyncClient] = []

    def make(index: Index | None = None, llm: LLM | None = None, **settings: Settings) -> httpx2.AsyncClient:
        clients.append(make_client(index=index, llm=llm, **settings))
        return clients[-1]

    yield make
    for client in clients:
        if service := app_of(client).state.mcp:
            await service.close()


async def send(client: httpx2.AsyncClient, content: str | bytes, **headers: str) -> httpx2.Response:
    """Post one message."""
    return await client.post("/mcp", content=content, headers=HEADERS | headers)


async def told(client: httpx2.AsyncClient, content: str) -> tuple[bool, str]:
    """Whether a tool's call failed, and what its text is."""
    response = await send(client, content)
    assert response.status_code == 200, response.text
    result = response.json()["result"]
    return result.get("isError", False), result["content"][0]["text"]


NO_MESSAGES = {
    "nothing": b"",
    "no JSON": b"{",
    "a number": b"5",
    "a batch": f"[{message('ping')}, {message('tools/list')}]".encode(),
    "no version": b'{"id": 1, "method": "ping"}',
    "bytes that are no text": b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}',
    "half a character": b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}',
    "a number of 5000 digits": b'{"jsonrpc": "2.0", "id": 1%s, "method": "ping"}' % (b"0" * 5000),
    "objects without end": b'{"a":' * 50_000,
    "parameters that are a list": b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [1]}',
}


@pytest.mark.parametrize("version", ["", "2025-06-18", NEWEST, "tomorrow"])
@pytest.mark.parametrize("content", NO_MESSAGES.values(), ids=NO_MESSAGES)
async def test_what_is_no_message_is_refused(opened: Post, content: bytes, version: str) -> None:
    """A JSON-RPC error with a 4xx, by whatever version it came."""
    response = await send(opened(), content, **({"MCP-Protocol-Version": version} if version else {}))
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/json"
    assert isinstance(response.json()["error"]["code"], int)


@pytest.mark.parametrize("method", ["no/such", "resources/list", "subscriptions/listen", "initialize", "tools/call"])
@pytest.mark.parametrize("version", ["", NEWEST])
async def test_what_cannot_be_answered_is_an_error_of_the_protocol(opened: Post, method: str, version: str) -> None:
    """An unknown method, or one without what it needs: no tool is asked, and nothing is broken."""
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": method} if version else {}
    response = await send(opened(), message(method, {"_meta": META} if version else None), **headers)
    assert response.status_code < 500
    assert response.json()["error"]["code"] in {-32601, -32602, -32020}


async def test_an_unknown_tool_is_an_error_of_the_protocol(opened: Post) -> None:
    """Its name is cut before it is repeated."""
    error = (await send(opened(), call("x" * 5000))).json()["error"]
    assert error["code"] == -32602
    assert len(error["message"]) < 200


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ({}, "query"),
        ({"query": "  "}, "query: must not be empty"),
        ({"query": "a\0b"}, "NUL"),
        ({"query": "x" * 9000}, "at most 8000 characters"),
        ({"query": "x", "top_k": 21}, "top_k"),
        ({"query": "x", "top_k": True}, "top_k: must be a whole number"),
        ({"query": "x", "limit": 3}, "limit"),
        ({"query": 7}, "query"),
    ],
    ids=lambda value: None if isinstance(value, str) else ",".join(value) or "none",
)
async def test_wrong_arguments_are_told_to_the_model(opened: Post, arguments: dict[str, Any], mistake: str) -> None:
    """As an error of the tool, which a model reads and can mend."""
    failed, text = await told(opened(), call("search_docs", **arguments))
    assert failed
    assert mistake in text
    assert text.endswith("(invalid_request)")


async def test_an_unknown_conversation_is_told(opened: Post) -> None:
    """Also one that is no id at all."""
    client = opened()
    unknown = call("ask_docs", question="x", conversation_id="00000000-0000-4000-8000-000000000000")
    assert (await told(client, unknown))[1].endswith("(conversation_not_found)")
    assert (await told(client, call("ask_docs", question="x", conversation_id="latest")))[1].startswith(
        "conversation_id:"
    )


async def test_what_is_down_is_told(opened: Post) -> None:
    """With its code, and that a retry may help."""
    failed, text = await told(opened(index=FixedIndex(IndexUnavailable())), call("search_docs", query="x"))
    assert failed
    assert text == "Search is not available right now. (index_unavailable) Trying again later may help."


async def test_a_defect_says_nothing_of_itself(opened: Post, caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns that there was one, the log which."""
    client = opened(index=FixedIndex(RuntimeError("the password is swordfish")))
    failed, text = await told(client, call("search_docs", query="a reader's words"))
    assert (failed, text) == (True, "Something went wrong on our side. (internal_error)")
    assert "swordfish" in caplog.text
    assert "a reader's words" not in caplog.text


async def test_a_model_that_is_down_is_told(opened: Post) -> None:
    """Where nothing stands in for it."""
    failed, text = await told(opened(llm=ScriptedLLM(UpstreamUnavailable())), call("ask_docs", question="And?"))
    assert failed
    assert "(upstream_unavailable)" in text


@pytest.mark.parametrize(("tool", "argument"), [("search_docs", "query"), ("ask_docs", "question")])
async def test_what_was_done_without_is_told(opened: Post, tool: str, argument: str) -> None:
    """Another index than the configured one was searched: the data says which part is missing and why."""
    found = replace(hits(passage(1, "Reducers are pure.")), degraded=IndexUnavailable())
    response = await send(opened(index=FixedIndex(found)), call(tool, **{argument: "What is a reducer?"}))
    assert response.json()["result"]["structuredContent"]["degraded"] == {"index": "index_unavailable"}


async def test_an_agent_pays_as_a_reader_does(opened: Post) -> None:
    """What it asks is counted in the budget of its address; when that is spent, the answer quotes and says so."""
    client, counters = opened(), MemoryCounters()
    state = app_of(client).state
    kept = budgets(counters, visitor=50)
    turns = Turns(state.ports, state.chat.knobs, kept, patience=Patience(abandon_seconds=60, most_followers=50))
    state.chat = replace(state.chat, budgets=kept, turns=turns)
    asked = call("ask_docs", question="What is a reducer?")
    first = (await send(client, asked)).json()["result"]["structuredContent"]
    assert first["degraded"] == {}
    assert sum(counters.sums.values()) > 50
    client.cookies.clear()  # agents keep none
    second = (await send(client, asked)).json()["result"]["structuredContent"]
    assert second["degraded"] == {"llm": "budget_spent"}
    assert "> Reducers are pure." in second["answer"]


async def test_what_the_site_does_not_say_is_not_made_up(opened: Post) -> None:
    """The outcome says so, and the nearest pages are named."""
    unsure = replace(hits(passage(1, "Reducers are pure.")), confidence=0.0)
    response = await send(opened(index=FixedIndex(unsure)), call("ask_docs", question="Who won?"))
    assert response.json()["result"]["structuredContent"]["outcome"] == "not_found"


async def test_where_no_tasks_are_kept_there_are_no_tools_for_them(opened: Post) -> None:
    """None is offered, and who calls one anyway is told why."""
    client = opened()
    app_of(client).state.mcp.toolboxes = None
    listed = (await send(client, message("tools/list"))).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["search_docs", "ask_docs"]
    assert await told(client, call("list_tasks")) == (True, "This service keeps no tasks. (not_found)")


async def test_what_could_not_be_made_is_made_by_the_next(opened: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packages' folder that is broken for a while costs the requests of that while."""
    client = opened()
    with monkeypatch.context() as broken:
        broken.setitem(sys.modules, "lectern.mcp.server", None)
        assert (await send(client, message("ping"))).status_code == 500
    assert (await send(client, message("ping"))).json()["result"] == {}


async def test_what_broke_off_begins_anew(opened: Post) -> None:
    """And so does what was closed, as a host may that begins and ends its app more than once."""
    client = opened()
    service = app_of(client).state.mcp
    assert (await send(client, message("ping"))).status_code == 200
    await service.close()
    assert (await send(client, message("ping"))).status_code == 200
    service._running.cancel()
    await asyncio.wait({service._running})
    assert (await send(client, message("ping"))).status_code == 200


async def test_a_wrong_token_is_refused(opened: Post) -> None:
    """401 with what the client has to show, and a message that a client shows its person."""
    response = await send(opened(), message("ping"), Authorization="Bearer nobodys")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    error = response.json()["error"]
    assert error["message"] == "This needs a valid bearer token. (unauthorized)"
    assert error["data"]["error"] == "unauthorized"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
async def test_there_is_no_session_to_open_or_end(opened: Post, method: str) -> None:
    """405, as the protocol wants it of a server without sessions."""
    response = await opened().request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
async def test_pages_of_other_sites_may_not_ask(opened: Post, origin: str) -> None:
    """The origin is judged as for every route: a page that had its name point here (DNS rebinding) is refused too."""
    response = await send(opened(), message("ping"), Origin=origin)
    assert response.status_code == 403
    assert "allow-credentials" not in str(response.headers).lower()


async def test_pages_of_listed_sites_may_ask(make_client: MakeClient, opened: Post, settings: Settings) -> None:
    """The SDK's own list of hosts and origins does not stand in the way."""
    listed = settings.model_copy(update={"cors_allowed_origins": ("https://docs.example.org",)})
    client = opened(changed=listed)
    response = await send(client, message("ping"), Origin="https://docs.example.org", Host="anything.example")
    assert (response.status_code, response.json()["result"]) == (200, {})


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_a_tool_works_in_its_request(opened: Post, version: str) -> None:
    """By either way that the SDK has of calling it: what it logs has the request's id, what it asks its deadline."""
    index = NotingIndex()
    content = json.loads(call("search_docs", query="x"))
    content["params"]["_meta"] = META
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "search_docs"}
    for number in ("first", "second"):
        response = await send(opened(index=index), json.dumps(content), **headers, **{"X-Request-ID": number})
        assert response.status_code == 200
    assert [identity for identity, _ in index.noted] == ["first", "second"]
    assert all(0 < seconds <= 150 for _, seconds in index.noted)


async def test_links_open_from_anywhere(opened: Post) -> None:
    """Those to pages that are not published name the host at which the agent asks."""
    relative = replace(passage(1, "Reducers are pure."), url="/pages/docs/reducers", anchor="rules")
    client = opened(index=FixedIndex(hits(relative)))
    response = await send(client, call("search_docs", query="x"), Host="docs.example.org")
    [source] = response.json()["result"]["structuredContent"]["sources"]
    assert source["url"] == "http://docs.example.org/pages/docs/reducers#rules"


async def test_a_large_body_is_refused(opened: Post, settings: Settings) -> None:
    """By the limit of every route."""
    response = await send(opened(), call("search_docs", query="x" * settings.max_body_bytes))
    assert response.status_code == 413


async def test_without_the_extra_there_is_nothing(opened: Post, settings: Settings) -> None:
    """404 to any method, as anywhere where there is nothing."""
    client = opened(changed=settings.model_copy(update={"mcp": False}))
    assert app_of(client).state.mcp is None
    assert {(await client.request(method, "/mcp")).status_code for method in ("GET", "POST", "DELETE")} == {404}


class NotingIndex(FixedIndex):
    """Notes in which request it is asked, and how many seconds that has left."""

    def __init__(self) -> None:
        super().__init__(hits(passage(1, "Reducers are pure.")))
        self.noted: list[tuple[str, float]] = []

    async def search(self, query: str, **rest: Any) -> Hits:
        """Note it."""
        self.noted.append((request_id.get(), deadline.left() or 0))
        return await super().search(query, **rest)


class StuckIndex(FixedIndex):
    """Finds nothing before it is told to stop."""

    def __init__(self) -> None:
        super().__init__(hits())
        self.asked = asyncio.Event()
        self.stopped = asyncio.Event()

    async def search(self, query: str, **_: Any) -> Hits:
        """Wait for ever."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()
        raise AssertionError(query)


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_work_for_an_agent_ends_when_it_goes(opened: Post, version: str) -> None:
    """What nobody waits for is not done to its end, by either way that the SDK has of calling a tool."""
    index = StuckIndex()
    client = opened(index=index)
    await send(client, message("ping"))
    content = json.loads(call("search_docs", query="x"))
    content["params"]["_meta"] = META
    headers = HEADERS | {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "search_docs"}
    sent: list[Any] = []
    parts = iter([{"type": "http.request", "body": json.dumps(content).encode(), "more_body": False}])

    async def receive() -> dict[str, Any]:
        for part in parts:
            return part
        await index.asked.wait()
        return {"type": "http.disconnect"}

    async def take(part: Any) -> None:
        sent.append(part)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in ({"host": "x"} | headers).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    async with asyncio.timeout(20):
        await app_of(client)(scope, receive, take)
        await index.stopped.wait()
    assert not [part for part in sent if part.get("status") == 200]

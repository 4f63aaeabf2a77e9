"""The app as a whole: what no answer of it may be."""

import asyncio
import itertools
import re

import pytest
from starlette.routing import Route
from tests.conftest import Client, MakeClient
from tests.scripted import ScriptedLLM

from lectern.app import create_app
from lectern.config import Settings
from lectern.serving import process
from lectern.serving.proxies import ProxyHeadersMiddleware

BEHIND_TLS = {"Host": "acme-docs.hf.space", "X-Forwarded-Proto": "http"}


async def test_no_answer_redirects_to_http(client: Client, settings: Settings) -> None:
    """Every route, with and without a last slash, by every method: nothing leads out of https behind a proxy."""
    app = create_app(settings)
    written = [*app.openapi()["paths"], *(route.path for route in app.routes if isinstance(route, Route))]
    paths = {re.sub(r"\{[^}]*\}", "x", path) for path in written}
    assert {"/", "/health", "/chat", "/docs", "/pages/xx"} <= paths
    for path, slash, method in itertools.product(paths, ("", "/", "//"), ("GET", "HEAD", "POST", "DELETE")):
        response = await client.request(method, path.rstrip("/") + slash or "/", headers=BEHIND_TLS)
        assert not response.is_redirect, (method, path, slash)
        assert "location" not in response.headers


async def test_a_head_of_the_front_page_is_200(client: Client) -> None:
    """What watches a Space asks so, and gets no body."""
    response = await client.head("/")
    assert (response.status_code, response.content) == (200, b"")


async def test_a_stream_is_never_compressed(make_client: MakeClient) -> None:
    """Each token must leave when it comes, whatever encodings the reader takes."""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, br, zstd, deflate"}
    response = await make_client().post("/chat", json={"message": "What is a reducer?"}, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in response.headers
    assert b"event: done" in response.content


async def test_a_silent_stream_beats(make_client: MakeClient, settings: Settings) -> None:
    """While the model says nothing, the reader's connection is kept open at the pace that is set."""
    go_on = asyncio.Event()
    llm = ScriptedLLM("Reducers ", "are pure [1].", hold=go_on)
    client = make_client(llm=llm, changed=settings.model_copy(update={"heartbeat_seconds": 0.05}))
    asking = asyncio.create_task(client.post("/chat", json={"message": "What is a reducer?", "stream": True}))
    while not llm.open:  # noqa: ASYNC110 - the script has no event for its start
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    go_on.set()
    response = await asking
    before, _, after = response.text.rpartition("event: delta")
    assert before.count(": ping\n\n") >= 2
    assert "event: done" in after


def test_under_another_server_the_app_looks_at_proxies_headers_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outermost, before anything reads the address; under our own worker, which does it for any app, not twice."""
    assert create_app(settings).user_middleware[0].cls is ProxyHeadersMiddleware  # type: ignore[comparison-overlap]
    setup = process.Setup(plan=process.plan(), address="", grace_seconds=1, header_seconds=1)
    monkeypatch.setattr(process, "setup", lambda: setup)
    assert all(entry.cls is not ProxyHeadersMiddleware for entry in create_app(settings).user_middleware)  # type: ignore[comparison-overlap]

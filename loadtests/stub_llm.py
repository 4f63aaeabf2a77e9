"""A stub of OpenAI's API: chat completions streamed and whole, embeddings, models; and of Cohere's: embed, rerank.

How a model's name sets its timing and faults is told in `loadtests.stub_model`.

    python -m loadtests.stub_llm --port 9000         # --port 0 takes a free one; the first line printed is the address

`GET /health` · `GET /stats` counts requests by model and by kind, open answers and connections ·
`GET /last?model=NAME` shows the last request made to a model (headers and body) · `GET /spans?model=NAME` tells when
its last requests began and ended · `POST /outage?seconds=N` has every call fail with a 503 for so long.
It is made to cost little: 1,000 streams of 5 tokens a second leave most of a core to what is measured.
"""

import argparse
import asyncio
import json
import socket
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loadtests.stub_bodies import error_body
from loadtests.stub_model import UnknownModelError, parse
from loadtests.stub_reply import Receive, Reply, Scope, Send, send_json
from loadtests.stub_rewrites import asks_to_rewrite

_SPANS = 10_000
"""Spans kept of a model; the stub runs for hours."""


class _Protocol(HttpToolsProtocol):
    """Lets the application reach its connection, to break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"transport": self.transport}  # type: ignore[dict-item]


class StubLLM:
    """The ASGI application."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.open = 0
        self.most_open = 0
        self.seconds_open: defaultdict[int, float] = defaultdict(float)
        self._changed: float | None = None
        self.abandoned = 0
        self.last: dict[str, dict[str, Any]] = {}
        self.spans: dict[str, deque[tuple[float, float]]] = defaultdict(lambda: deque(maxlen=_SPANS))
        self.outage_until = 0.0
        self.connections: Callable[[], int] = lambda: 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        match scope["method"], scope["path"].removeprefix("/v1"):
            case "POST", "/chat/completions" | "/embeddings" | "/v2/embed" | "/v2/rerank":
                await self._answer(scope, receive, send)
            case "GET", "/health":
                await send_json(send, {"status": "ok"})
            case "GET", "/stats":
                await send_json(send, self._stats())
            case "GET", "/last":
                name = _asked(scope, "model")
                await send_json(send, self.last.get(name), 200 if name in self.last else 404)
            case "GET", "/spans":
                await send_json(send, list(self.spans.get(_asked(scope, "model"), ())))
            case "POST", "/outage":
                self.outage_until = time.monotonic() + float(_asked(scope, "seconds") or 0)
                await send_json(send, {"status": "failing"})
            case "GET", "/models":
                data = [{"id": name, "object": "model", "owned_by": "stub"} for name in ("stub", "stub-embed")]
                await send_json(send, {"object": "list", "data": data})
            case _:
                await send_json(send, error_body(404, "There is no such address."), 404)

    def _stats(self) -> dict[str, Any]:
        """Counts since the start; connections are those open now, the asking one included.

        The kinds are `answer`, `rewrite` (there are blocks of a chapter in it), `tools` (it has some), `embedding` and
        `ranking`; a test that pays for none of a kind counts them. An abandoned answer is one whose reader left before
        its end. `seconds_open` tells for how long how many answers were open, from the first request to the last
        change.
        """
        return {
            "requests": dict(self.requests),
            "kinds": dict(self.kinds),
            "open": self.open,
            "most_open": self.most_open,
            "seconds_open": {str(number): round(seconds, 6) for number, seconds in self.seconds_open.items()},
            "abandoned": self.abandoned,
            "connections": self.connections(),
        }

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, and answer until the end or until the client leaves."""
        try:
            request = json.loads(await _body(receive))
            name = request["model"]
            behaviour = parse(name)
        except (ValueError, KeyError, TypeError, AttributeError):
            await send_json(send, error_body(400, "The body is no JSON object with a model."), 400)
            return
        except UnknownModelError:
            message = f"The model `{name}` does not exist."
            await send_json(send, error_body(404, message, code="model_not_found"), 404)
            return
        self.requests[name] += 1
        self.kinds[_kind(scope["path"], request)] += 1
        self.last[name] = {
            "headers": {key.decode(): value.decode() for key, value in scope["headers"]},
            "body": request,
        }
        if time.monotonic() < self.outage_until:
            await send_json(send, error_body(503, "The provider was told to fail."), 503)
            return
        close = self._opened(name)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                close()  # before the client has it: it may ask again before this task goes on
            await send(message)

        reply = Reply(scope, sending, request, behaviour.on(self.requests[name]))
        try:
            await _until_gone(reply.send(), receive)
        except ConnectionAbortedError:
            self.abandoned += not reply.broke
        finally:
            close()

    def _opened(self, name: str) -> Callable[[], None]:
        """Count a model's answer as open; what is returned closes it, once."""
        self._count(1)
        began = time.monotonic()
        still = True

        def close() -> None:
            nonlocal still
            if still:
                still = False
                self._count(-1)
                self.spans[name].append((began, time.monotonic()))

        return close

    def _count(self, change: int) -> None:
        """Book the time that passed with as many answers open as before the change."""
        now = time.monotonic()
        if self._changed is not None:
            self.seconds_open[self.open] += now - self._changed
        self._changed = now
        self.open += change
        self.most_open = max(self.most_open, self.open)


def _asked(scope: Scope, name: str) -> str:
    """A value of the query; empty when there is none."""
    query: str = scope["query_string"].decode()
    return parse_qs(query).get(name, [""])[0]


def _kind(path: str, request: dict[str, Any]) -> str:
    """What is asked for."""
    if not path.endswith("/chat/completions"):
        return "ranking" if path.endswith("rerank") else "embedding"
    if asks_to_rewrite(request.get("messages") or []):
        return "rewrite"
    return "tools" if request.get("tools") else "answer"


async def _body(receive: Receive) -> bytes:
    """The whole request body."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _until_gone(reply: Awaitable[None], receive: Receive) -> None:
    """Await the reply, but no longer than the client does.

    Raises:
        ConnectionAbortedError: The client left before the end.
    """
    sending = asyncio.ensure_future(reply)
    leaving = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            raise ConnectionAbortedError
        sending.result()
    finally:
        sending.cancel()
        leaving.cancel()


def main() -> None:
    """Serve until the process is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=9000, help="port to listen on; 0 takes a free one (9000)")
    options = parser.parse_args()
    app = StubLLM()
    config = uvicorn.Config(
        app,
        http=_Protocol,
        lifespan="off",
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    app.connections = lambda: len(server.server_state.connections)
    listener = socket.create_server((options.host, options.port), backlog=4096)
    print(f"http://{options.host}:{listener.getsockname()[1]}/v1", flush=True)
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()

"""How the stub sends an answer: its timing, its segments, and the faults on the wire."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from loadtests.stub_bodies import chat_body, embeddings_body, error_body, frames
from loadtests.stub_cohere import embed_body, rerank_body
from loadtests.stub_model import Behaviour

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_SSE = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
_SETTLE_SECONDS = 0.02
"""What was sent reaches the client before the connection breaks: a RST may overtake it."""


_BODIES: dict[str, Callable[[dict[str, Any], Behaviour], bytes]] = {
    "/chat/completions": chat_body,
    "/embeddings": embeddings_body,
    "/v2/embed": embed_body,
    "/v2/rerank": rerank_body,
}


class Reply:
    """One answer, with its timing and faults.

    `broke` tells that the connection was closed on purpose. The connection itself is at `scope["extensions"]`.
    """

    def __init__(self, scope: Scope, send: Send, request: dict[str, Any], behaviour: Behaviour) -> None:
        self._transport: asyncio.Transport = scope["extensions"]["transport"]
        self._chat = scope["path"].endswith("/chat/completions")
        self._body = next(body for path, body in _BODIES.items() if scope["path"].endswith(path))
        self._send = send
        self._request = request
        self._behaviour = behaviour
        self.broke = False

    async def send(self) -> None:
        """Send it all, or as much as the fault lets through."""
        behaviour = self._behaviour
        if "hang" in behaviour.flags:
            await asyncio.Event().wait()
        elif "reset" in behaviour.flags:
            await self._close(reset=True)
        elif behaviour.status is not None:
            await asyncio.sleep(behaviour.ttft)
            headers = [(b"retry-after", b"%d" % behaviour.retry)] if behaviour.status in {429, 503} else []
            body = error_body(behaviour.status, f"The model's name asks for status {behaviour.status}.")
            await send_json(self._send, body, behaviour.status, headers)
        elif refused := self._refused():
            body = error_body(400, f"Unsupported parameter: '{refused}'.", code="unsupported_parameter")
            await send_json(self._send, body, 400)
        elif "okerror" in behaviour.flags:
            await send_json(self._send, error_body(500, "The model's name asks for an error."))
        elif "html" in behaviour.flags:
            await send_bytes(
                self._send, b"<!doctype html><title>A proxy's page</title>", [(b"content-type", b"text/html")]
            )
        elif self._chat and self._request.get("stream"):
            await self._stream()
        else:
            await self._whole()

    def _refused(self) -> str | None:
        """What a server that does not know everything finds wrong with the request first."""
        if "notools" in self._behaviour.flags and self._request.get("tools"):
            return "tools"
        if "picky" not in self._behaviour.flags:
            return None
        if self._request.get("encoding_format") == "base64":
            return "encoding_format"
        return next((name for name in ("max_tokens", "stream_options") if name in self._request), None)

    async def _stream(self) -> None:
        """One frame a token, each at its own time after the start, so that delays do not add up."""
        behaviour = self._behaviour
        loop = asyncio.get_running_loop()
        due = loop.time() + behaviour.ttft
        await self._send({"type": "http.response.start", "status": 200, "headers": _SSE})
        tokens, ending = frames(self._request, behaviour)
        fault, after = behaviour.cut or ("", -1)
        for number, frame in enumerate(tokens):
            await asyncio.sleep(max(0, due - loop.time()))
            due += behaviour.itl
            if number == after and await self._break(fault):
                return
            await self._write(frame)
        if after >= len(tokens) and await self._break(fault):
            return
        for frame in ending:
            await self._write(frame)
            if "endreset" in behaviour.flags:
                await self._break("reset")
            elif "endstall" in behaviour.flags:
                await self._break("stall")
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _whole(self) -> None:
        """One JSON body, or half of it when the name asks for a fault."""
        behaviour = self._behaviour
        seconds = behaviour.ttft + (behaviour.itl * behaviour.length if self._chat else 0)
        await asyncio.sleep(seconds)
        body = self._body(self._request, behaviour)
        if behaviour.cut is None:
            await send_bytes(self._send, body, [_JSON])
            return
        await self._send({"type": "http.response.start", "status": 200, "headers": [_JSON]})
        await self._write(body[: len(body) // 2])
        if not await self._break(behaviour.cut[0]):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, frame: bytes) -> None:
        """Send a frame; in two segments, cut inside a character, when the name asks for it."""
        if "split" not in self._behaviour.flags:
            await self._send({"type": "http.response.body", "body": frame, "more_body": True})
            return
        wide = next((place for place, byte in enumerate(frame) if byte >= 0xC0), len(frame) // 2 - 1)  # noqa: PLR2004 - UTF-8
        for part in (frame[: wide + 1], frame[wide + 1 :]):
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.001)

    async def _break(self, fault: str) -> bool:
        """Do the fault in the middle of an answer; True when nothing follows it."""
        match fault:
            case "stall":
                await asyncio.Event().wait()
            case "reset":
                await self._close(reset=True)
            case "fin":
                await self._close(reset=False)
            case "cut":
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            case "garbage":
                await self._write(b'data: {"id":"chatcmpl-stub","choices":[{"index":0,"del\n\n')
                return False
            case "error":
                body = json.dumps(error_body(500, "The model's name asks for an error.")).encode()
                await self._write(b"data: " + body + b"\n\n")
                return False
        return True

    async def _close(self, *, reset: bool) -> None:
        """Close the connection under the answer, and wait to be told of it.

        For a RST the socket lingers zero seconds, which throws its connection away.
        """
        self.broke = True
        await asyncio.sleep(_SETTLE_SECONDS)
        if reset:
            held = self._transport.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        await asyncio.Event().wait()


async def send_json(
    send: Send, value: object, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send a JSON body."""
    await send_bytes(send, json.dumps(value).encode(), [_JSON, *(headers or [])], status)


async def send_bytes(send: Send, body: bytes, headers: list[tuple[bytes, bytes]], status: int = 200) -> None:
    """Send a whole body."""
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

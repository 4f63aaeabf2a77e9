"""A provider of models that costs next to nothing: canned bytes over a real socket, on the loop of whom it serves.

An answer is streamed a token at a time: in lockstep, where the next token leaves when it is asked for, or each in a
turn of the loop of its own. Nothing waits for a clock, so every run does the same work.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from struct import pack
from typing import Any, Final, cast

from tests.counts.pages import MODEL, QUESTION, vector_of

CONTENT: Final = b'"content":'
"""In each frame that carries a token, once."""

_JSON: Final = "application/json"
_STREAM: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_CLOSING: Final = b"0\r\n\r\n"


class Provider:
    """An OpenAI-shaped API with one embedding and one answer.

    Attributes:
        tokens: Length of the next answers, in tokens.
        lockstep: Whether `release` sends each token after the first; else the loop's turns do.
        connections: How many were opened so far.
    """

    def __init__(self) -> None:
        self.tokens = 40
        self.lockstep = True
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._stream: _Connection | None = None

    async def start(self) -> str:
        """Listen on loopback; the base URL for a client."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    def release(self) -> None:
        """Send the next token of the answer under way."""
        if self._stream is not None:
            self._stream.send_token()

    def connected(self) -> None:
        """Note that somebody has connected."""
        self.connections += 1

    def began(self, stream: "_Connection") -> None:
        """Note whose answer is under way: there is one at a time."""
        self._stream = stream


class _Connection(asyncio.Protocol):
    """One kept-alive connection. A request is read until its body is whole; what it says besides is not looked at."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._got = b""
        self._left = 0
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._provider.connected()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if blank and len(body) >= _length(head):
            self._got = b""
            if head.startswith(b"POST /v1/embeddings"):
                self._transport.write(_BASE64 if b"base64" in body else _FLOATS)
            else:
                self._begin()

    def send_token(self) -> None:
        """Send one token; with the last one all that ends an answer."""
        if not self._left:
            return
        self._left -= 1
        if self._left:
            self._transport.write(_TOKEN)
            if not self._provider.lockstep:
                self._loop.call_soon(self.send_token)
        else:
            self._transport.write(_LAST)

    def _begin(self) -> None:
        self._left = self._provider.tokens
        self._provider.began(self)
        self._transport.write(_HEAD)
        self.send_token()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


def _response(body: dict[str, Any]) -> bytes:
    text = json.dumps(body)
    return f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def _embedding(numbers: Sequence[float] | str) -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": numbers}]
    usage = {"prompt_tokens": 12, "total_tokens": 12}
    return _response({"object": "list", "model": MODEL, "data": data, "usage": usage})


def _frame(*choices: dict[str, Any], **more: object) -> bytes:
    """One frame as OpenAI sends it, as one chunk of the body."""
    chunk = {
        "id": "chatcmpl-BWc0fXhBd8rQ0v5YvZ2m3kLw9pQeR",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_34a54ae93c",
        "choices": list(choices),
        "usage": None,
    } | more
    return _chunk(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode())


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_NUMBERS: Final = vector_of(QUESTION)
_FLOATS: Final = _embedding(_NUMBERS)
_BASE64: Final = _embedding(b64encode(pack(f"<{len(_NUMBERS)}f", *_NUMBERS)).decode())
_HEAD: Final = _STREAM + _frame(_choice({"role": "assistant", "refusal": None}))
_TOKEN: Final = _frame(_choice({"content": " reducer"}))
_USAGE: Final = {"prompt_tokens": 1200, "completion_tokens": 40, "total_tokens": 1240}
_LAST: Final = b"".join(
    (
        _frame(_choice({"content": " pure [1]."})),
        _frame(_choice({}, "stop")),
        _frame(usage=_USAGE),
        _chunk(b"data: [DONE]\n\n"),
        _CLOSING,
    )
)

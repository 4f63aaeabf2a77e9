"""The bytes of the stub's answers, in OpenAI's shapes."""

import base64
import json
from array import array
from dataclasses import dataclass
from typing import Any

from loadtests.stub_answers import answer, spoil, vector
from loadtests.stub_model import Behaviour
from loadtests.stub_rewrites import asks_to_rewrite, rewritten
from loadtests.stub_tools import Call, calls, results

CREATED = 1_700_000_000
"""The moment every answer claims to be from, so that equal requests get equal bytes."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a chat is answered with, and why that ends."""

    tokens: list[str]
    finish: str = "stop"
    calls: tuple[Call, ...] = ()

    def deltas(self) -> list[bytes]:
        """What each frame adds."""
        texts = [b'{"content":' + _string(token) + b"}" for token in self.tokens]
        pieces = (piece for index, call in enumerate(self.calls) for piece in call.pieces(index))
        return [*texts, *(json.dumps(piece, ensure_ascii=False).encode() for piece in pieces)]


def error_body(status: int, message: str, *, code: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's classes of statuses
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def frames(request: dict[str, Any], behaviour: Behaviour) -> tuple[list[bytes], list[bytes]]:
    """The frames of a streamed answer: one a token, and those that end it."""
    said = _answer(request, behaviour)
    head = f'data: {{"id":"chatcmpl-stub","object":"chat.completion.chunk","created":{CREATED},"model":'.encode()
    head += json.dumps(request["model"]).encode()
    before = head + b',"choices":[{"index":0,"delta":'
    texts = [before + delta + b',"finish_reason":null}]}\n\n' for delta in said.deltas()]
    ending = [head + b',"choices":[{"index":0,"delta":{},"finish_reason":' + _string(said.finish) + b"}]}\n\n"]
    usage = _usage(request, behaviour, len(texts))
    if usage is not None and (request.get("stream_options") or {}).get("include_usage"):
        ending.append(head + b',"choices":[],"usage":' + json.dumps(usage).encode() + b"}\n\n")
    if "nodone" not in behaviour.flags:
        ending.append(b"data: [DONE]\n\n")
    return texts, ending


def chat_body(request: dict[str, Any], behaviour: Behaviour) -> bytes:
    """A whole answer."""
    said = _answer(request, behaviour)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(said.tokens)}
    if said.calls:
        message |= {"content": None, "tool_calls": [call.whole() for call in said.calls]}
    body = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": CREATED,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish}],
        "usage": _usage(request, behaviour, len(said.deltas())),
    }
    return json.dumps(body, ensure_ascii=False).encode()


def embeddings_body(request: dict[str, Any], behaviour: Behaviour) -> bytes:
    """Vectors, as numbers or as base64 of little-endian 32-bit floats."""
    asked = request.get("input")
    texts = [asked] if isinstance(asked, str) else [str(text) for text in asked or []]
    flags = behaviour.flags
    vectors = [vector(text, behaviour.dimensions) for text in texts]
    spoil(vectors, behaviour)
    encode = _base64 if request.get("encoding_format") == "base64" else list
    data = [{"object": "embedding", "index": index, "embedding": encode(v)} for index, v in enumerate(vectors)]
    if "shuffle" in flags:
        data.reverse()
    tokens = sum(len(text) // 4 + 1 for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps({"object": "list", "data": data, "model": request["model"], "usage": usage}).encode()


def _answer(request: dict[str, Any], behaviour: Behaviour) -> _Answer:
    """The answer: a chapter's pieces, calls of tools, or the question's words."""
    if "empty" in behaviour.flags:
        return _Answer([])
    messages = request.get("messages") or []
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    if asks_to_rewrite(messages):
        tokens = rewritten(messages, behaviour)
    elif "tools" in behaviour.flags and request.get("tools"):
        if found := calls(messages, behaviour):
            return _Answer([], "tool_calls", tuple(found))
        tokens = _repeated(messages) or answer(messages, behaviour.length, behaviour)
    else:
        tokens = answer(messages, behaviour.length, behaviour)
    if limit and limit < len(tokens):
        return _Answer(tokens[:limit], "length")
    return _Answer(tokens, "content_filter" if "filter" in behaviour.flags else "stop")


def _repeated(messages: list[dict[str, Any]]) -> list[str]:
    """The tokens of an answer that repeats what tools said; none when they said nothing."""
    return [f" {word}" for result in results(messages) for word in ("The tool says:", *result.split())]


def _usage(request: dict[str, Any], behaviour: Behaviour, tokens: int) -> dict[str, Any] | None:
    """Tokens by the rule of four characters each."""
    if "nousage" in behaviour.flags:
        return None
    if "badusage" in behaviour.flags:
        return {"prompt_tokens": "many", "completion_tokens": -3, "total_tokens": None}
    asked = sum(len(str(message.get("content"))) for message in request.get("messages") or []) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": tokens, "total_tokens": asked + tokens}


def _string(text: str) -> bytes:
    """A JSON string that keeps wide characters as UTF-8, as real providers send them."""
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")


def _base64(values: list[float]) -> str:
    return base64.b64encode(array("f", values).tobytes()).decode()

"""How each service is asked: for a streamed answer, or for one object; and what shows that the answer is one.

The marks hold for answers of the stub, which begin with `You asked:`; a quotation mark inside a JSON string is escaped,
so no text has a mark in it.
"""

import json

from loadtests import reading
from loadtests.wire import Target

_QUESTION = reading.QUESTIONS[0]
_JSON = "application/json"


def of_lectern(url: str, name: str = "lectern", *, stream: bool = True) -> Target:
    """Lectern's `POST /chat`; as one object, only what was answered from pages counts."""
    body = json.dumps(reading.chat(_QUESTION)).encode()
    if stream:
        return Target.of(name, f"{url}/chat", body, b"event: delta\n", b"event: done\n")
    return Target.of(name, f"{url}/chat", body, b'"response":"You asked:', b'"outcome":"answered"', accept=_JSON)


def of_relay(url: str, *, stream: bool = True, retrieve: bool = False) -> Target:
    """The bare relay; with `retrieve`, one embedding call and one search before."""
    body = json.dumps({"message": _QUESTION, "stream": stream, "retrieve": retrieve}).encode()
    if stream:
        return Target.of("relay", f"{url}/chat", body, b"event: delta\n", b"event: done\n")
    return Target.of("relay", f"{url}/chat", body, b'{"message":', b"You asked:", accept=_JSON)


def of_stub(url: str, model: str, *, stream: bool = True) -> Target:
    """The provider itself; `url` ends in `/v1`."""
    messages = [{"role": "user", "content": _QUESTION}]
    body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
    address = f"{url}/chat/completions"
    if stream:
        return Target.of("stub", address, body, b'"delta":{"content":', b"[DONE]")
    return Target.of("stub", address, body, b'"content": "You asked:', b'"finish_reason": "stop"', accept=_JSON)


def of_embedding(url: str, model: str = "stub-embed") -> Target:
    """The provider's embedding of the question, as the OpenAI SDK asks for it: in base64, on a kept connection."""
    body = json.dumps({"model": model, "input": _QUESTION, "encoding_format": "base64"}).encode()
    return Target.of("embedding", f"{url}/embeddings", body, b'"embedding": "', b'"usage": {', accept=_JSON).kept()


def of_chapter(url: str, chapter: str) -> Target:
    """Lectern's `POST /translate` of one page, streamed; each section counts as a token."""
    body = json.dumps({"chapter_id": chapter, "user_id": "reader"}).encode()
    return Target.of("chapter", f"{url}/translate", body, b"event: section\n", b"event: done\n")

"""How each service is asked for a streamed answer."""

import json

from loadtests import reading
from loadtests.wire import Target

_QUESTION = reading.QUESTIONS[0]


def of_lectern(url: str, name: str = "lectern") -> Target:
    """Lectern's `POST /chat`."""
    body = json.dumps(reading.chat(_QUESTION)).encode()
    return Target.of(name, f"{url}/chat", body, b"event: delta\n", b"event: done\n")


def of_relay(url: str, *, retrieve: bool = False) -> Target:
    """The bare relay; with `retrieve`, one embedding call and one search before."""
    body = json.dumps({"message": _QUESTION, "retrieve": retrieve}).encode()
    return Target.of("relay", f"{url}/chat", body, b"event: delta\n", b"event: done\n")


def of_stub(url: str, model: str) -> Target:
    """The provider itself; `url` ends in `/v1`."""
    messages = [{"role": "user", "content": _QUESTION}]
    body = json.dumps({"model": model, "messages": messages, "stream": True}).encode()
    return Target.of("stub", f"{url}/chat/completions", body, b'"delta":{"content":', b"[DONE]")

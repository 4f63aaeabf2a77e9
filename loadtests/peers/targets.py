"""How each peer is asked for a streamed answer, and how a token and the end look on its wire."""

import json
from dataclasses import replace
from typing import Final

from loadtests import reading
from loadtests.wire import Target

_QUESTION = reading.QUESTIONS[0]
HAYHOOKS_MODEL: Final = "pages"
LITELLM_MODEL: Final = "stub"
LITELLM_KEY: Final = "sk-load-0123456789abcdef0123456789abcdef"
"""Made up: the proxy wants a long one."""


def of_hayhooks(url: str) -> Target:
    """Hayhooks' chat completions. Each frame has a text; the last one, without any, alone says why it ends."""
    return Target.of("hayhooks", f"{url}/v1/chat/completions", _chat(HAYHOOKS_MODEL), *HAYHOOKS_MARKS)


def of_litellm(url: str) -> Target:
    """LiteLLM's chat completions, with the proxy's key."""
    target = Target.of("litellm", f"{url}/v1/chat/completions", _chat(LITELLM_MODEL), *LITELLM_MARKS)
    line = f"\r\nAuthorization: Bearer {LITELLM_KEY}\r\n".encode()
    return replace(target, request=target.request.replace(b"\r\n", line, 1))


def of_chatkit(url: str) -> Target:
    """A new thread at ChatKit's one address."""
    content = [{"type": "input_text", "text": _QUESTION}]
    body = {
        "type": "threads.create",
        "params": {"input": {"content": content, "attachments": [], "inference_options": {}}},
    }
    return Target.of("chatkit", f"{url}/chatkit", json.dumps(body).encode(), *CHATKIT_MARKS)


HAYHOOKS_MARKS: Final = (b'"finish_reason":null', b'"finish_reason":"stop"')
LITELLM_MARKS: Final = (b'"content":"', b"data: [DONE]")
CHATKIT_MARKS: Final = (b'"assistant_message.content_part.text_delta"', b'"type":"assistant_message","content":[{')


def _chat(model: str) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": _QUESTION}], "stream": True}).encode()

"""How the peers are asked, and that their tokens and their ends are known on the wire, wherever the network cuts it."""

import asyncio
import json
from collections.abc import Callable

import pytest
from loadtests.peers import targets
from loadtests.wire import Target, Trace, exchange

WORDS = ['The "content"', " of", " a", ' {"type":"error"}', " [DONE]", "."]


def hayhooks(words: list[str], *, whole: bool = True) -> bytes:
    """Frames in the shape of hayhooks' chat completions."""

    def frame(text: str, reason: str | None) -> bytes:
        delta = {"role": "assistant", "content": text, "reasoning_content": None, "tool_calls": None, "refusal": None}
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None, "message": None}
        return sse({"id": "pages-1", "object": "chat.completion.chunk", "choices": [choice], "usage": None})

    return b"".join(frame(word, None) for word in words) + frame("", "stop") * whole


def litellm(words: list[str], *, whole: bool = True) -> bytes:
    """Frames in the shape of the proxy's chat completions: the first one names the role, the last has no text."""

    def frame(choice: dict[str, object]) -> bytes:
        return sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "stub", "choices": [choice]})

    roles = [{"role": "assistant"}, *[{}] * len(words)]
    deltas = [role | {"content": word} for role, word in zip(roles, words, strict=False)]
    frames = b"".join(frame({"index": 0, "delta": delta}) for delta in deltas)
    ending = frame({"index": 0, "delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n"
    return frames + ending * whole


def chatkit(words: list[str], *, whole: bool = True) -> bytes:
    """Events in the shape of ChatKit's: the question is repeated, and both items come as `done`."""

    def update(kind: str, **fields: object) -> bytes:
        part = {"type": f"assistant_message.content_part.{kind}", "content_index": 0} | fields
        return sse({"type": "thread.item.updated", "item_id": "msg_2", "update": part})

    def item(event: str, kind: str, content: list[object]) -> bytes:
        return sse({"type": event, "item": {"id": "msg_2", "thread_id": "thr_1", "type": kind, "content": content}})

    text = {"annotations": [], "text": "".join(words), "type": "output_text"}
    head = sse({"type": "thread.created", "thread": {"id": "thr_1"}})
    head += item("thread.item.done", "user_message", [{"type": "input_text", "text": "How?"}])
    head += item("thread.item.added", "assistant_message", []) + update("added", content=text | {"text": ""})
    deltas = b"".join(update("text_delta", delta=word) for word in words)
    ending = update("done", content=text) + item("thread.item.done", "assistant_message", [text])
    return head + deltas + ending * whole


def sse(value: dict[str, object]) -> bytes:
    """One frame of JSON without spaces."""
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


ALL = [(targets.of_hayhooks, hayhooks), (targets.of_litellm, litellm), (targets.of_chatkit, chatkit)]
Asked = Callable[[str], Target]
Frames = Callable[..., bytes]


async def answered(of: Asked, body: bytes, cut: int) -> Trace:
    """The trace of an exchange with a server that sends a body in pieces of so many bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), cut):
            piece = body[at : at + cut]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await exchange(of(f"http://127.0.0.1:{port}"), asyncio.get_running_loop().time(), 20)


@pytest.mark.parametrize(("of", "frames"), ALL)
@pytest.mark.parametrize("cut", [7, 61, 100_000])
async def test_every_token_counts_once(of: Asked, frames: Frames, cut: int) -> None:
    """Each frame with text is one token, also when its text looks like a mark; no other frame is one."""
    trace = await answered(of, frames(WORDS), cut)
    assert (trace.error, len(trace.tokens)) == ("", len(WORDS))


@pytest.mark.parametrize(("of", "frames"), ALL)
async def test_an_answer_without_its_end_is_truncated(of: Asked, frames: Frames) -> None:
    """A body that ends properly but early is no answer, though its text says that it is done."""
    trace = await answered(of, frames(["You", " asked"], whole=False), 50)
    assert (trace.error, len(trace.tokens)) == ("truncated", 2)


@pytest.mark.parametrize("of", [of for of, _ in ALL])
def test_a_request_is_whole(of: Asked) -> None:
    """Its body is JSON of the length that its head tells, on a connection of its own."""
    head, _, body = of("http://127.0.0.1:1234").request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert lines[0].startswith("POST /")
    assert len(body) == int(fields["content-length"])
    assert fields["connection"] == "close"
    assert json.loads(body)


def test_the_proxy_gets_its_key() -> None:
    """LiteLLM is asked as it is in production: with a key, in a header line of its own."""
    request = targets.of_litellm("http://127.0.0.1:1234").request
    assert request.count(f"\r\nAuthorization: Bearer {targets.LITELLM_KEY}\r\n".encode()) == 1
    assert request.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: ")

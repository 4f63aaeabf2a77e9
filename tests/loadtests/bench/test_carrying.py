"""What a reader got instead of a place, read from the bytes; and what a real worker holds."""

import json

import pytest
from loadtests import services
from loadtests.bench import carrying
from loadtests.crowd import crowd, until

_OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
_STARTED = b'88\r\nevent: started\nid: 1\ndata: {"conversation_id":"c"}\n\n\r\n'


def event(name: str, **data: object) -> bytes:
    """A frame, in a chunk of its own."""
    return b"51\r\n" + f"event: {name}\nid: 3\ndata: {json.dumps(data)}\n\n\r\n".encode()


@pytest.mark.parametrize(
    ("heard", "still_open", "found"),
    [
        (b"", True, {}),
        (b"", False, {"broken": 0}),
        (_OK + _STARTED, True, {}),
        (_OK + _STARTED, False, {"broken": len(_OK + _STARTED)}),
        (_OK + _STARTED + event("delta", text="x") + event("done", finish="stop"), False, {"ended": "whole"}),
        (
            _OK
            + _STARTED
            + event("degraded", part="llm", reason="too_busy", used="quoting")
            + event("delta", text="x"),
            False,
            {"status": 200, "event": "degraded", "part": "llm", "reason": "too_busy", "used": "quoting"},
        ),
        (
            _OK + event("failed", code="too_busy", message="No room.", retryable=True),
            False,
            {"status": 200, "event": "failed", "code": "too_busy", "message": "No room.", "retryable": True},
        ),
        (
            b'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n\r\n{"error":{"code":"too_busy"}}',
            True,
            {"status": 503, "retry_after": 2, "code": "too_busy"},
        ),
        (b"HTTP/1.1 500 Oops\r\nServer: x\r\n\r\noops", False, {"status": 500, "retry_after": None, "code": None}),
    ],
)
def test_trouble_is_told_by_what_was_heard(heard: bytes, found: dict[str, object], *, still_open: bool) -> None:
    """A stream that goes on is none; an end without a word, a stand-in, a failure and a refusal are."""
    assert carrying.trouble(heard, still_open=still_open) == found


@pytest.mark.process
async def test_the_first_who_gets_no_place_is_found_with_what_it_got() -> None:
    """A worker with room for three answers and a line of two: three wait for good, and the next are told something."""
    room = {"LLM_CONCURRENCY": "3", "QUEUE_LENGTH": "2", "QUEUE_SECONDS": "1", "WEB_CONCURRENCY": "1"}
    with services.stub() as stub, services.lectern(stub.url, "stub-ttft600000", embeddings="none", **room) as lectern:
        places, found = await carrying.first_trouble(lectern, 8, wait_seconds=3)
        assert places == 3
        assert found["status"] in {200, 503}
        with pytest.raises(RuntimeError, match="2 readers waited at once and nothing broke"):
            await carrying.first_trouble(lectern, 2, wait_seconds=2)
        async with crowd(carrying._health(lectern), 2, 0.1) as listeners:
            await until(lambda: all(one.status == 200 for one in listeners), 10)
            listeners[0].open = False
            with pytest.raises(RuntimeError, match="1 of 2 streams ended"):
                await carrying.processor_share(lectern, listeners, 0.1)

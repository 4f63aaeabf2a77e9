"""What a stream of Lectern's own events must look like, written from the API's document and not from the encoder."""

import json

from tests.formats.frames import frames

_FIELDS = {
    "started": {"conversation_id", "turn_id"},
    "waking": {"part"},
    "sources": {"sources"},
    "delta": {"text"},
    "degraded": {"part", "reason", "used"},
    "done": {"outcome", "finish", "usage", "timings"},
    "failed": {"code", "message", "retryable"},
}


def text_of_legal_stream(stream: bytes) -> str:
    """The text that a client ends up with.

    Raises:
        AssertionError: The stream is not legal, or has not exactly one last event.
    """
    text, position, ended = [], 0, False
    for frame in frames(stream):
        assert not ended, f"{frame.event} after the end"
        fields = json.loads(frame.data)
        assert set(fields) == _FIELDS[frame.event]
        ended = frame.event in {"done", "failed"}
        if frame.id:
            assert int(frame.id) > position
            position = int(frame.id)
        else:
            assert frame.event == "failed", "only what cuts a stream has no place in it"
        if frame.event == "delta":
            text.append(fields["text"])
    assert ended, "no last event"
    return "".join(text)

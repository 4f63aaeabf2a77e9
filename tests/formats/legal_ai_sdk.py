"""What a UI message stream must look like, written from the AI SDK's own schema and client and not from the encoder.

`PARTS` is `uiMessageChunkSchema` of `ai` 5.0.0, a union of strict objects, as far as a text answer can use it; `LATER`
is what later versions added. The order is what `processUIMessageStream` of 5.0.277, 6 and 7 enforces with an exception,
and what the stream protocol's page shows.
"""

import json
from typing import Any, Final

from tests.formats.frames import frames

Version = tuple[int, int, int]

PARTS: Final[dict[str, tuple[dict[str, type], dict[str, type]]]] = {
    "start": ({}, {"messageId": str, "messageMetadata": object}),
    "start-step": ({}, {}),
    "finish-step": ({}, {}),
    "text-start": ({"id": str}, {}),
    "text-delta": ({"id": str, "delta": str}, {}),
    "text-end": ({"id": str}, {}),
    "source-url": ({"sourceId": str, "url": str}, {"title": str}),
    "message-metadata": ({"messageMetadata": object}, {}),
    "finish": ({}, {"messageMetadata": object}),
    "abort": ({}, {}),
    "error": ({"errorText": str}, {}),
}
DATA: Final[tuple[dict[str, type], dict[str, type]]] = ({"data": object}, {"id": str, "transient": bool})
LATER: Final[list[tuple[Version, str, str, type]]] = [
    ((5, 0, 92), "finish", "finishReason", str),
    ((6, 0, 15), "abort", "reason", str),
]
FINISH_REASONS: Final = {"stop", "length", "content-filter", "tool-calls", "error", "other"}


def check_part(part: dict[str, Any], version: Version) -> None:
    """A part has the fields that this version of the client knows, and no other."""
    kind = part["type"]
    required, optional = DATA if kind.startswith("data-") else PARTS[kind]
    later = {field: type_ for since, of, field, type_ in LATER if of == kind and version >= since}
    known = required | optional | later
    given = {name: value for name, value in part.items() if name != "type"}
    assert set(required) <= set(given) <= set(known), part
    assert all(isinstance(value, known[name]) for name, value in given.items()), part
    assert given.get("finishReason", "stop") in FINISH_REASONS


class Reader:
    """A client: what it has open, and what it was told.

    Args:
        version: Of its package `ai`.
    """

    def __init__(self, version: Version) -> None:
        self.version = version
        self.text: list[str] = []
        self.kinds: list[str] = []
        self.open: set[str] = set()
        self.in_step = False

    def take(self, part: dict[str, Any]) -> None:
        """Read a part."""
        check_part(part, self.version)
        kind = part["type"]
        assert not {"finish", "abort", "error"} & set(self.kinds), f"{kind} after the end"
        assert kind != "start" or not self.kinds, "the start comes first"
        assert kind != "start-step" or not self.in_step
        assert kind not in {"source-url", "text-start", "finish-step"} or self.in_step, kind
        if kind.startswith("text-"):
            assert (part["id"] in self.open) == (kind != "text-start"), part
        if kind in {"finish-step", "finish", "abort", "error"}:
            assert not self.open, f"{kind} with an open text"
        if kind in {"finish", "abort", "error"}:
            assert not self.in_step, f"{kind} within a step"
        self.kinds.append(kind)
        self.in_step = kind == "start-step" or (self.in_step and kind != "finish-step")
        if kind == "text-start":
            self.open.add(part["id"])
        if kind == "text-end":
            self.open.remove(part["id"])
        if kind == "text-delta":
            self.text.append(part["delta"])


def text_of_legal_stream(stream: bytes, version: Version = (5, 0, 0)) -> str:
    """The text that a client of this version ends up with.

    Raises:
        AssertionError: The stream is not legal, or has not exactly one last part, with the mark of the end behind it.
    """
    *parts, end = frames(stream)
    assert end.data == "[DONE]"
    assert {(frame.event, frame.id) for frame in [*parts, end]} == {("", "")}, "names and ids are not of this protocol"
    reader = Reader(version)
    for frame in parts:
        reader.take(json.loads(frame.data))
    assert reader.kinds[-1] in {"finish", "abort", "error"}, "no last part"
    return "".join(reader.text)

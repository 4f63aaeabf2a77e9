"""The Vercel AI SDK's UI message stream: a turn's events as the parts that `useChat` reads.

By default only what `ai` 5.0.0 knows is sent, as each schema up to 5.0.217, 6.0.231 and 7.0.32 was strict: one field or
type that a client does not know ends its stream with an exception. What later versions added comes when the client says
which it is. What no part has a place for comes as `data-<event>` with the event's fields.

What stays in a message is sent back with each later question of its chat, so what is only to be shown while it streams
(`data-started`, `data-waking`, `data-sources`, `data-failed`) is transient: it goes to `onData` and is not kept.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lectern.errors import LecternError
from lectern.events import Degraded, Delta, Done, Event, Failed, Sources, Started, Waking, payload
from lectern.formats.sources import source_link, source_name

HEADERS: Final[Mapping[str, str]] = {"X-Vercel-AI-UI-Message-Stream": "v1"}
"""What says which protocol a stream speaks, beside the headers of any stream. Clients up to 7.0.173 look at none."""

Version = tuple[int, int, int]
"""Of the client's npm package `ai`: major, minor, patch."""

OLDEST: Final[Version] = (5, 0, 0)
"""The first that speaks this protocol; what a client is taken for that says nothing."""

_FINISH_REASON_SINCE: Final[Version] = (5, 0, 92)
_ABORT_REASON_SINCE: Final[Version] = (6, 0, 15)

_FINISH_REASONS: Final = {"stop": "stop", "length": "length", "filtered": "content-filter"}
"""A turn's `finish` in the SDK's words."""

_TEXT_ID: Final = "answer"
_VERSION: Final = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,6}))?(?:[-+].{0,64})?", re.ASCII)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_TEXT_DELTA: Final = f'data: {{"type":"text-delta","id":"{_TEXT_ID}","delta":'
_END: Final = b"data: [DONE]\n\n"

MEDIA: Final[dict[str, Any]] = {
    "itemSchema": {
        "type": "object",
        "properties": {
            "event": {"type": "string", "const": "message", "description": "What an event without a name is called"},
            "data": {
                "type": "string",
                "pattern": r'^(\{"type":"[a-z-]+"|\[DONE\]$)',
                "description": "A part, as JSON; the last one is `[DONE]`",
            },
        },
        "required": ["data"],
        "additionalProperties": False,
    }
}
"""How OpenAPI describes the stream: each item is a part."""


def version_of(text: str | None) -> Version:
    """The version of the SDK that a client names, like `6`, `5.0.92` or `7.0.0-beta.1`.

    What it leaves out is zero: who says `6` gets what 6.0.0 knows. Anything else is nothing said.
    """
    found = _VERSION.fullmatch(text.strip()) if text else None
    if found is None:
        return OLDEST
    major, minor, patch = (int(number or 0) for number in found.groups())
    return max(OLDEST, (major, minor, patch))


class AiSdkEncoder:
    """Implements `lectern.formats.format.Encoder`: a turn is one message of one step.

    Args:
        version: The client's.
        here: The address at which this service was asked, for links to pages that are not published.
    """

    def __init__(self, version: Version = OLDEST, *, here: str = "") -> None:
        self._version = version
        self._here = here
        self._conversation_id = ""
        self._in_step = False
        self._in_text = False
        self._over = False

    def encode(self, position: int, event: Event) -> bytes:
        """The parts of the next event. The position is of no use here: a stream is always sent from its first part."""
        del position
        if isinstance(event, Delta):  # by hand: of a token's part only the text wants the encoder
            return self._begin_text() + f"{_TEXT_DELTA}{_encode(event.text)}}}\n\n".encode()
        match event:
            case Started():
                made = self._start(event)
            case Sources():
                made = self._sources(event)
            case Degraded():
                made = _parts(_data(event) | {"id": event.part})
            case Waking():
                made = _parts(_transient(event))
            case Done():
                made = self._done(event)
            case Failed():
                made = self._fail(event)
        return made

    def cut(self, error: LecternError) -> bytes:
        """An `error` part and the end. The client may ask for the turn again, from its first part."""
        return b"" if self._over else self._fail(Failed.of(error))

    def _start(self, event: Started) -> bytes:
        self._conversation_id = event.conversation_id
        self._in_step = True
        # The id is the turn's, so that a message that is sent again takes its own place in the client's list.
        return _parts({"type": "start", "messageId": event.turn_id}, {"type": "start-step"}, _transient(event))

    def _sources(self, event: Sources) -> bytes:
        shown = (
            {
                "type": "source-url",
                "sourceId": source.id,
                "url": source_link(source.href, self._here),
                "title": source_name(source.json()),
            }
            for source in event.sources
        )
        return _parts(*shown, _transient(event))

    def _begin_text(self) -> bytes:
        if self._in_text:
            return b""
        self._in_text = True
        return _parts({"type": "text-start", "id": _TEXT_ID})

    def _done(self, event: Done) -> bytes:
        metadata = {"messageMetadata": payload(event) | {"conversation_id": self._conversation_id}}
        reason: dict[str, str] = {}
        if event.outcome == "cancelled":
            if self._version >= _ABORT_REASON_SINCE:
                reason["reason"] = event.finish
            ends = _parts({"type": "message-metadata"} | metadata, {"type": "abort"} | reason)
        else:
            if self._version >= _FINISH_REASON_SINCE:
                reason["finishReason"] = _FINISH_REASONS.get(event.finish, "other")
            ends = _parts({"type": "finish"} | reason | metadata)
        return self._close() + ends + _END

    def _fail(self, event: Failed) -> bytes:
        # `error` has one text for the reader; what a program acts on comes before it, as clients read nothing after it.
        return self._close() + _parts(_transient(event), {"type": "error", "errorText": event.message}) + _END

    def _close(self) -> bytes:
        """End what is open, so that a client shows no text as still coming. One last part follows, whichever."""
        ends = [{"type": "text-end", "id": _TEXT_ID}] if self._in_text else []
        ends += [{"type": "finish-step"}] if self._in_step else []
        self._in_text = self._in_step = False
        self._over = True
        return _parts(*ends)


def _data(event: Event) -> dict[str, Any]:
    """An event as a part of its own. With an `id` beside it, it takes the place of an earlier one of that id."""
    return {"type": f"data-{event.name}", "data": payload(event)}


def _transient(event: Event) -> dict[str, Any]:
    """An event as a part that is not kept in the message."""
    return _data(event) | {"transient": True}


def _parts(*parts: Mapping[str, Any]) -> bytes:
    return "".join(f"data: {_encode(part)}\n\n" for part in parts).encode()

"""Server-sent events read as the standard says (WHATWG HTML, 9.2.6), with no look at what wrote them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream.

    Attributes:
        event: Its name; empty when it has none.
        id: Empty when it has none.
        data: Its lines of data, joined.
    """

    event: str
    id: str
    data: str


def frames(stream: bytes) -> Iterator[Frame]:
    """The events of a stream that ended with a whole one."""
    lines = _LINE_END.split(stream.decode("utf-8", "strict"))
    assert lines[-2:] == ["", ""] or not stream, "the stream ends within an event"
    fields: dict[str, str] = {}
    for line in lines[:-1]:
        if not line:
            assert "data" in fields, "an event without data is dropped by clients"
            yield Frame(fields.get("event", ""), fields.get("id", ""), fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            assert name in {"event", "id", "data"}, name
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value

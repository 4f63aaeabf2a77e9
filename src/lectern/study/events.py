"""The events of a stream of study: `started`, the sections in order, then exactly one `done` or `failed`.

`started` comes with the first section, or as soon as that takes long; an error before it is an answer with a status of
its own. `done` has the fields of the answer that is no stream, without the text that the sections were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from lectern.errors import LecternError
from lectern.formats import sse


@dataclass(frozen=True, slots=True)
class Started:
    """What is being written, and how many sections it will have."""

    name: ClassVar[str] = "started"
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """The next section, as Markdown; all of them joined are the whole text.

    Attributes:
        index: Which one, from 0.
        of: How many there are.
        markdown: Its text.
        done: Segments that are ready, of all texts together.
        total: Segments that there are.
    """

    name: ClassVar[str] = "section"
    index: int
    of: int
    markdown: str
    done: int
    total: int

    @property
    def data(self) -> Mapping[str, Any]:
        """Its fields."""
        return {
            "index": self.index,
            "of": self.of,
            "markdown": self.markdown,
            "done": self.done,
            "total": self.total,
        }


@dataclass(frozen=True, slots=True)
class Done:
    """All of it is written; what there is to say about that."""

    name: ClassVar[str] = "done"
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended without all of its sections."""

    name: ClassVar[str] = "failed"
    data: Mapping[str, Any]

    @classmethod
    def of(cls, error: LecternError) -> "Failed":
        """The event for an error."""
        return cls({"code": error.code, "message": error.message, "retryable": error.retryable})


Event = Started | Section | Done | Failed

MEDIA: Final = sse.media(event.name for event in (Started, Section, Done, Failed))
"""How OpenAPI describes the stream."""


def frame(number: int, event: Event) -> bytes:
    """One event as one frame.

    Args:
        number: The event's place in its stream, from 1.
        event: What happened.
    """
    return sse.named_frame(number, event.name, event.data)

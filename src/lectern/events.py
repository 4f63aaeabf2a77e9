"""The events of a turn: the stream's vocabulary, in the order they are sent.

    started   {conversation_id, turn_id}
    waking    {part}                              any number, before the first delta: a part is slow to answer
    sources   {sources: [source, …]}              once, before the first delta
    delta     {text}                              the answer, piece by piece
    degraded  {part, reason, used}                any number, before or between deltas: what could not be used
    done      {usage, timings, finish, outcome}   the end of an answer …
    failed    {code, message, retryable}          … or of a turn that could not be answered

`started` comes when the sources are found, or as soon as that takes long; an error before it is an answer with a status
of its own. `waking` names `store`, `embeddings`, `index` or `rerank` before `sources`, and `llm` after; each part once.
Exactly one `done` or `failed` ends a turn, and nothing follows it. The turn is saved before either is sent.
A source is `{id, site, document, title, heading_path, url, anchor, href, slug, score, quote}`; `href` opens it.
An answer cites sources as `[1]`, `[2]`, counted from one; a number that names no source is never sent.

A turn that was ended early, by its reader or because all had left, ends with `done` and outcome `cancelled`.

The place after an event is one number, its **position**: a thousand for each character of the answer so far, and one
for each event that is no delta. So it grows with every event, it is the same however deltas are cut, and from it alone
a stream can be gone on with, also from a turn that was saved meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from lectern.errors import LecternError
from lectern.ports import Finish, Passage


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as the reader sees it.

    `href` is `url` with the section's fragment, ready to link; `slug` is the page's route without its leading slash,
    which existing front ends link to.
    """

    id: str
    site: str
    document: str
    title: str
    heading_path: tuple[str, ...]
    url: str
    anchor: str
    href: str
    slug: str
    score: float
    quote: str

    @classmethod
    def of(cls, passage: Passage) -> "Source":
        """Build the reader's view of a passage."""
        return cls(
            id=passage.id,
            site=passage.site,
            document=passage.document,
            title=passage.title,
            heading_path=passage.heading_path,
            url=passage.url,
            anchor=passage.anchor,
            href=passage.href,
            slug=passage.route.removeprefix("/"),
            score=round(passage.score, 4),
            quote=passage.quote,
        )

    def json(self) -> dict[str, Any]:
        """The source as a plain JSON object."""
        return {name: getattr(self, name) for name in _SOURCE} | {"heading_path": list(self.heading_path)}


_SOURCE = tuple(field.name for field in fields(Source))


@dataclass(frozen=True, slots=True)
class Started:
    """The turn was accepted; from here on its failure is an event."""

    conversation_id: str
    turn_id: str
    name: Literal["started"] = "started"


@dataclass(frozen=True, slots=True)
class Waking:
    """A part is slow to answer, most likely because it slept; the turn waits for it as long as its limits allow."""

    part: str
    name: Literal["waking"] = "waking"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the answer is made from, in citation order."""

    sources: tuple[Source, ...]
    name: Literal["sources"] = "sources"


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    text: str
    name: Literal["delta"] = "delta"


@dataclass(frozen=True, slots=True)
class Degraded:
    """A part that could not be used; `reason` is an error code, `used` what stood in for it, if anything did."""

    part: str
    reason: str
    used: str = ""
    name: Literal["degraded"] = "degraded"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete and saved, or was ended early, which `finish` then tells: `stopped`, `abandoned`.

    `usage` counts tokens, `timings` milliseconds since the request: `retrieved`, `first_token`, `total`, and when the
    reader was told of a part that is slow, `waking_<part>`.
    """

    outcome: Literal["answered", "not_found", "cancelled"]
    finish: Finish | Literal["stopped", "abandoned"] = "stop"
    usage: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    name: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn ended without a complete answer."""

    code: str
    message: str
    retryable: bool
    name: Literal["failed"] = "failed"

    @classmethod
    def of(cls, error: LecternError) -> "Failed":
        """The event for an error."""
        return cls(code=error.code, message=error.message, retryable=error.retryable)


Event = Started | Waking | Sources | Delta | Degraded | Done | Failed


def payload(event: Event) -> dict[str, Any]:
    """The event's fields as plain JSON values, its name left out. For encoding at once: what it holds is not copied."""
    if isinstance(event, Sources):
        return {"sources": [source.json() for source in event.sources]}
    return {name: getattr(event, name) for name in _FIELDS[type(event)]}


_FIELDS = {
    kind: tuple(field.name for field in fields(kind) if field.name != "name")
    for kind in (Started, Waking, Delta, Degraded, Done, Failed)
}

_KINDS: Final[dict[str, type[Event]]] = {
    kind.__name__.lower(): kind for kind in (Started, Waking, Sources, Delta, Degraded, Done, Failed)
}

WAKING: Final = "waking_"
"""What the milestone begins with, among a turn's timings, at which the reader was told of a part that is slow."""

CHARACTER: Final = 1000
"""How far a character of the answer moves a stream's position; a turn has far fewer other events than that."""


def event_of(name: str, fields_: Mapping[str, Any]) -> Event:
    """The event that `payload` made these fields of.

    Raises:
        KeyError: There is no event of this name.
        TypeError: Its fields are others.
    """
    if name == "sources":
        found = (source | {"heading_path": tuple(source["heading_path"])} for source in fields_["sources"])
        return Sources(tuple(Source(**source) for source in found))
    return _KINDS[name](**fields_)


def after(position: int, event: Event) -> int:
    """The position after an event that stands at a position; a stream begins at 0."""
    return position + CHARACTER * len(event.text) if isinstance(event, Delta) else position + 1


def characters(position: int) -> int:
    """How many characters of the answer lie before a position."""
    return position // CHARACTER


def since(events: Iterable[Event], position: int) -> list[Event]:
    """Those of a turn's events, from its first one, that lie behind a position; a delta across it is cut there."""
    found: list[Event] = []
    at = 0
    for event in events:
        begin, at = at, after(at, event)
        if begin >= position:
            found.append(event)
        elif at > position and isinstance(event, Delta):
            found.append(Delta(event.text[characters(position) - characters(begin) :]))
    return found

"""Turns as `lectern.events` says that they may be, made up by hypothesis: what every format must be able to render."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from lectern.events import Degraded, Delta, Done, Event, Failed, Source, Sources, Started, Waking, after

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SOME_TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_CODES: Final = st.sampled_from(["upstream_timeout", "budget_spent", "store_unavailable"])
_LINKS: Final = st.sampled_from(["https://docs.example.org/a#b", "/pages/docs/a#b", "https://docs.example.org/"])

_SOURCE: Final = st.builds(
    Source,
    id=SOME_TEXT,
    site=SOME_TEXT,
    document=TEXT,
    title=TEXT,
    heading_path=st.lists(TEXT, max_size=2).map(tuple),
    url=_LINKS,
    anchor=TEXT,
    href=_LINKS,
    slug=TEXT,
    score=st.floats(0, 9),
    quote=TEXT,
)
_USAGE: Final[st.SearchStrategy[dict[str, int]]] = st.just({}) | st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 9999), "completion_tokens": st.integers(0, 9999)}
)
_TIMINGS: Final = st.dictionaries(st.sampled_from(["retrieved", "first_token", "total"]), st.floats(0, 1e6))
_DEGRADED: Final = st.builds(Degraded, st.sampled_from(["llm", "store", "login"]), _CODES, TEXT)
_FAILED: Final = st.builds(Failed, _CODES, SOME_TEXT, st.booleans())
_CANCELLED: Final = st.builds(Done, st.just("cancelled"), st.sampled_from(["stopped", "abandoned"]), _USAGE, _TIMINGS)
_ENDED_EARLY: Final = _FAILED | _CANCELLED
_OUTCOMES: Final = st.sampled_from(["answered", "not_found"])
_WHOLE: Final = st.builds(Done, _OUTCOMES, st.sampled_from(["stop", "length", "filtered"]), _USAGE, _TIMINGS)
_RARELY: Final = st.integers(0, 9).map(lambda number: number == 9)


@st.composite
def turns(draw: st.DrawFn) -> list[Event]:
    """All events of one turn, in an order that is legal."""
    events: list[Event] = [draw(st.builds(Started, SOME_TEXT, SOME_TEXT))]
    events += [Waking(part) for part in ("store", "embeddings", "index", "rerank") if draw(st.booleans())]
    if draw(_RARELY):
        return [*events, draw(_ENDED_EARLY)]
    events.append(Sources(tuple(draw(st.lists(_SOURCE, max_size=3)))))
    events += draw(st.lists(_DEGRADED, max_size=2))
    events += [Waking("llm")] if draw(st.booleans()) else []
    if draw(_RARELY):
        return [*events, draw(_ENDED_EARLY)]
    events.append(Delta(draw(SOME_TEXT)))
    events += draw(st.lists(st.builds(Delta, SOME_TEXT) | _DEGRADED, max_size=6))
    return [*events, draw(_ENDED_EARLY if draw(st.booleans()) else _WHOLE)]


def text_of(events: Sequence[Event]) -> str:
    """The answer, as far as it was said."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def positions_of(events: Sequence[Event]) -> list[int]:
    """The position after each event."""
    positions, at = [], 0
    for event in events:
        at = after(at, event)
        positions.append(at)
    return positions

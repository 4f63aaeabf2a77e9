"""Turns as the pipeline tells and keeps them, made up by hypothesis."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from hypothesis import strategies as st

from lectern.errors import ShuttingDown, TurnLost, UpstreamTimeout
from lectern.events import WAKING, Degraded, Delta, Done, Event, Failed, Source, Sources, Started, Waking
from lectern.ports import Outcome, Turn

TURN, CONVERSATION = "018f0000-0000-8000-8000-000000000001", "018f0000-0000-4000-8000-000000000002"

_PARTS = ("store", "embeddings", "index", "rerank")
_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@dataclass(frozen=True, slots=True)
class Told:
    """A turn: all its events, and what is kept of it."""

    events: list[Event]
    turn: Turn


def _source(number: int) -> Source:
    return Source(
        id=f"id{number}",
        site="docs",
        document="page.md",
        title="Page",
        heading_path=("Part", "Smaller part"),
        url="https://docs.example/page",
        anchor="part",
        href="https://docs.example/page#part",
        slug="page",
        score=0.5,
        quote="Some text.",
    )


def ending(outcome: Outcome, finish: str, usage: dict[str, int], timings: dict[str, float]) -> Done | Failed:
    """The event a turn ends with, by what is kept of it."""
    errors = {error.code: error for error in (ShuttingDown(), TurnLost(), UpstreamTimeout())}
    if finish in errors:
        return Failed.of(errors[finish])
    assert outcome != "failed"
    return Done(outcome, _finish(finish), usage, timings)


def _finish(finish: str) -> Literal["stop", "length", "stopped", "abandoned"]:
    for known in ("stop", "length", "stopped", "abandoned"):
        if finish == known:
            return known
    raise AssertionError(finish)


@st.composite
def told_turns(draw: st.DrawFn) -> Told:
    """Any turn as the pipeline tells it, whole or ended early or failed, and what is saved of it."""
    slow = draw(st.lists(st.sampled_from(_PARTS), unique=True))
    sources = tuple(map(_source, range(draw(st.integers(0, 3)))))
    degraded = draw(st.lists(st.sampled_from(("login", *_PARTS)), unique=True))
    slow_model, other_model = draw(st.booleans()), draw(st.booleans())
    pieces = draw(st.lists(_TEXT, min_size=1, max_size=6))
    ends: list[tuple[Outcome, str]] = [
        ("answered", "stop"),
        ("answered", "length"),
        ("not_found", "stop"),
        ("cancelled", "stopped"),
        ("cancelled", "abandoned"),
        ("cancelled", "shutting_down"),
        ("cancelled", "turn_lost"),
        ("failed", "upstream_timeout"),
    ]
    outcome, finish = draw(st.sampled_from(ends))
    marks = [f"{WAKING}{part}" for part in slow] + ["retrieved"]
    marks += [f"{WAKING}llm"] * slow_model + ["first_token", "total"]
    timings = {mark: 10.5 * place for place, mark in enumerate(marks)}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    events: list[Event] = [
        Started(CONVERSATION, TURN),
        *map(Waking, slow),
        Sources(sources),
        *(Degraded(part, "upstream_timeout") for part in degraded),
        *([Waking("llm")] if slow_model else []),
        *([Degraded("llm", "upstream_unavailable")] if other_model else []),
        *map(Delta, pieces),
        ending(outcome, finish, usage, timings),
    ]
    turn = Turn(
        id=TURN,
        conversation_id=CONVERSATION,
        question="Why?",
        answer="".join(pieces),
        outcome=outcome,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        sources=[source.json() for source in sources],
        degraded=dict.fromkeys(degraded, "upstream_timeout") | ({"llm": "upstream_unavailable"} if other_model else {}),
        usage=usage,
        timings=dict(sorted(timings.items())),  # a database keeps no order
        finish=finish,
    )
    return Told(events, turn)

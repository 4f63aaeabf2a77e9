"""A saved turn told again: from any position on, exactly what had not been told."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat.turns_told import CONVERSATION, TURN, Told, told_turns

from lectern.chat.batches import read, written
from lectern.chat.replay import lost, replay, told
from lectern.errors import InvalidRequest, error_of
from lectern.events import Degraded, Delta, Done, Event, Failed, Sources, after, payload
from lectern.ports import JournalHead, Outcome


def joined(events: list[Event]) -> list[Event]:
    """Events with deltas in a row as one: how they are cut nobody keeps."""
    found: list[Event] = []
    for is_delta, group in groupby(events, key=lambda event: isinstance(event, Delta)):
        together = list(group)
        found += (
            [Delta("".join(event.text for event in together if isinstance(event, Delta)))] if is_delta else together
        )
    return found


@given(turn=told_turns(), data=st.data())
def test_what_was_told_and_the_replay_are_the_whole(turn: Told, data: st.DataObject) -> None:
    """Cut after any event, the rest follows: nothing twice, nothing missing; only a lost turn tells its end again."""
    cut = data.draw(st.integers(0, len(turn.events)))
    before, position = turn.events[:cut], 0
    for event in before:
        position = after(position, event)
    rest = replay(turn.turn, position)
    if cut == len(turn.events) and turn.turn.finish == "turn_lost":
        assert rest == turn.events[-1:]
    else:
        assert joined(before + rest) == joined(turn.events)


@given(turn=told_turns(), data=st.data())
def test_a_cut_in_the_middle_of_a_delta_loses_no_character(turn: Told, data: st.DataObject) -> None:
    """A stream elsewhere cuts deltas differently, so that any character may be the last."""
    characters = data.draw(st.integers(0, len(turn.turn.answer)))
    others = sum(not isinstance(event, Delta) for event in turn.events) - 1
    rest = replay(turn.turn, 1000 * characters + others)
    assert "".join(event.text for event in rest if isinstance(event, Delta)) == turn.turn.answer[characters:]
    assert rest[-1] == turn.events[-1]
    assert len(rest) <= 2


@given(turn=told_turns(), position=st.integers(0, 2**40))
def test_any_position_is_answered_with_one_end_or_refused(turn: Told, position: int) -> None:
    """One that lies behind the end is refused, unless the turn was lost, of which less may be kept than was told."""
    end = 0
    for event in turn.events:
        end = after(end, event)
    try:
        rest = replay(turn.turn, position)
    except InvalidRequest:
        assert position // 1000 > len(turn.turn.answer)
        assert turn.turn.finish != "turn_lost"
    else:
        told_already = position == end and turn.turn.finish != "turn_lost"
        assert sum(isinstance(event, Done | Failed) for event in rest) == (not told_already)


@pytest.mark.parametrize(
    ("outcome", "finish", "end"),
    [
        ("answered", "length", Done("answered", "length")),
        ("not_found", "stop", Done("not_found", "stop")),
        ("cancelled", "stopped", Done("cancelled", "stopped")),
        ("cancelled", "abandoned", Done("cancelled", "abandoned")),
        ("cancelled", "stop", Done("cancelled", "abandoned")),  # as it was kept before there was a finish
        ("cancelled", "shutting_down", "shutting_down"),
        ("cancelled", "turn_lost", "turn_lost"),
        ("failed", "upstream_timeout", "upstream_timeout"),
        ("failed", "stop", "internal_error"),
    ],
)
@given(turn=told_turns())
def test_the_end_is_what_was_kept(turn: Told, outcome: Outcome, finish: str, end: Done | str) -> None:
    """What a turn came to, and why, as its stream had said it."""
    kept = replace(turn.turn, outcome=outcome, finish=finish, usage={}, timings={})
    expected = Failed.of(error_of(end, "")) if isinstance(end, str) else end
    assert told(kept)[-1] == expected


def test_a_turn_that_failed_before_its_sources_has_none() -> None:
    """It began, and then it failed."""
    turn = lost(JournalHead(TURN, CONVERSATION, None, "Why?"), [], created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert [event.name for event in told(turn)] == ["started", "failed"]


@given(turn=told_turns())
def test_a_batch_reads_as_it_was_written(turn: Told) -> None:
    """With deltas in a row as one, and the events themselves unchanged."""
    before = [dict(payload(event)) for event in turn.events]
    batch = written(turn.events)
    assert read(batch) == joined(turn.events)
    assert [dict(payload(event)) for event in turn.events] == before


@given(turn=told_turns(), data=st.data())
def test_what_is_left_of_a_lost_turn_is_what_was_written(turn: Told, data: st.DataObject) -> None:
    """The answer as far as it was written down, its sources, and that it was lost."""
    cut = data.draw(st.integers(0, len(turn.events) - 1))
    events = turn.events[:cut]
    kept = lost(JournalHead(TURN, "other", "user:1", "Why?"), events, created_at=turn.turn.created_at)
    assert kept.answer == "".join(event.text for event in events if isinstance(event, Delta))
    assert (kept.outcome, kept.finish, kept.principal_id) == ("cancelled", "turn_lost", "user:1")
    assert kept.conversation_id == (CONVERSATION if events else "other")
    assert list(kept.sources) == (turn.turn.sources if any(isinstance(each, Sources) for each in events) else [])
    assert kept.degraded == {event.part: event.reason for event in events if isinstance(event, Degraded)}

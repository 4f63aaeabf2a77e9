"""How far a follower has read in a journal: each event once, in order, and a dead owner is told from a slow one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.chat.test_replay import joined
from tests.chat.turns_told import CONVERSATION, TURN, Told, told_turns

from lectern.chat.batches import written
from lectern.chat.reading import Reading
from lectern.events import Event, after, since
from lectern.ports import JournalHead, JournalPage

HEAD = JournalHead(TURN, CONVERSATION, None, "Why?")
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def page(number: int, events: list[Event], until: datetime = THEN) -> JournalPage:
    """One batch."""
    return JournalPage(HEAD, until, THEN, [(number, written(events))])


@given(turn=told_turns(), data=st.data())
def test_what_was_told_and_what_is_read_are_the_whole(turn: Told, data: st.DataObject) -> None:
    """However the turn was cut into batches, and wherever the follower was before."""
    count = len(turn.events)
    told = data.draw(st.integers(0, count))
    cuts = sorted(data.draw(st.sets(st.integers(0, count))))
    position = 0
    for event in turn.events[:told]:
        position = after(position, event)
    reading = Reading(TURN, b"", position)
    found: list[Event] = []
    for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, count], strict=True), start=1):
        before = reading.position
        events = reading.take(page(number, turn.events[begin:end]))
        assert reading.position >= before
        found += events
    assert joined(turn.events[:told] + found) == joined(turn.events)
    assert joined(found) == joined(since(turn.events, position))


def test_an_owner_is_dead_when_its_promise_is_over_and_it_says_no_more() -> None:
    """For as long as several beats, by the reader's own clock."""
    reading = Reading(TURN, b"", 0)
    promised = page(1, [], THEN + timedelta(seconds=8))
    wall = THEN.timestamp()
    assert not reading.is_dead(promised, wall, 100.0)
    assert not reading.is_dead(promised, wall + 7.9, 107.9)
    assert reading.is_dead(promised, wall + 8, 108.0)


def test_an_owner_that_speaks_lives_whatever_the_clocks_say() -> None:
    """A reader whose clock is an hour ahead, and one who could not look for a while, see it speak."""
    reading = Reading(TURN, b"", 0)
    ahead = THEN.timestamp() + 3600
    for beat in range(20):
        spoken = page(1, [], THEN + timedelta(seconds=beat))
        assert not reading.is_dead(spoken, ahead + beat, 100.0 + beat)
    assert reading.is_dead(spoken, ahead + 30, 130.0)


def test_an_outage_is_no_death() -> None:
    """Who could not look for a while, as the database was away, gives the owner time to speak again."""
    reading = Reading(TURN, b"", 0)
    promised = page(1, [], THEN + timedelta(seconds=8))
    wall = THEN.timestamp()
    assert not reading.is_dead(promised, wall, 100.0)
    assert reading.is_away(102.0) == 0
    assert reading.is_away(109.0) == 7
    reading.is_back()
    assert not reading.is_dead(promised, wall + 10, 110.0)
    assert reading.is_away(111.0) == 0
    reading.is_back()
    assert not reading.is_dead(promised, wall + 13, 113.0)
    assert reading.is_dead(promised, wall + 30, 130.0)

"""Turns that are live in another worker: followed to their end, stopped, and told the truth of when they were lost."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest
from tests.chat.written_turns import (
    ANNE,
    BEN,
    VISITOR,
    Owner,
    UnsteadyJournal,
    Worker,
    end_of,
    events_of,
    head_of,
    long_ago,
    text_of,
    turn_of,
)

from lectern.chat import reading
from lectern.chat.batches import written
from lectern.chat.journaling import Journaling
from lectern.errors import InvalidRequest, StoreUnavailable, TurnNotFound, TurnRunning
from lectern.events import Delta, Event
from lectern.ports import JournalHead
from lectern.principal import Principal
from lectern.resilience import deadline

Batches = list[tuple[int, Sequence[Event]]]


pytestmark = pytest.mark.usefixtures("quick")


async def told(worker: Worker, turn_id: str, principal: Principal = VISITOR, position: int = 0) -> Batches:
    """All that a follower is told, each batch from where the last one ended."""
    batches: Batches = []
    async with asyncio.timeout(60), aclosing(worker.elsewhere().follow(turn_id, principal, position=position)) as found:
        async for batch in found:
            batches.append(batch)
    return batches


async def until(condition: object) -> None:
    """Wait until a call says yes."""
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def enter(worker: Worker, head: JournalHead, owner: Owner) -> int | None:
    """Have a turn live in a worker."""
    return worker.presence.enter(
        owner, turn_id=head.turn_id, conversation_id=head.conversation_id, principal_id=head.principal_id
    )


@pytest.mark.parametrize("position", [0, 1, 2, 3002, 12002])
async def test_a_turn_is_followed_from_another_worker_to_its_end(workers: list[Worker], position: int) -> None:
    """It is written down as soon as it is wanted, and what its reader had is not told again."""
    one, other = workers
    head, owner = head_of(one.ids.new()), Owner()
    place = enter(one, head, owner)
    events = events_of(head, "Hello ", "there")
    following = asyncio.create_task(told(other, head.turn_id, position=position))
    await until(lambda: "want" in owner.wished)
    writing = Journaling(one.journal, head, events, owner)
    await asyncio.sleep(0)
    events.append(Delta(", and more"))
    answer = "Hello there, and more"
    await until(lambda: writing._number > 1)
    await one.store.save_turn(turn_of(head, answer))
    one.presence.leave(place)
    await writing.close()
    batches = await following
    assert text_of(batches) == answer[position // 1000 :]
    assert end_of(batches) == "answered"
    names = [event.name for _, events in batches for event in events if event.name != "delta"]
    assert names == ["started", "sources", "done"][min(position % 1000, 2) :]
    assert batches[0][0] == position
    assert await one.journal.read(head.turn_id) is None


async def test_a_follower_in_another_container_keeps_a_turn_going(workers: list[Worker], stranger: Worker) -> None:
    """It says so in the journal, and its owner hears of it."""
    head, owner = head_of(workers[0].ids.new()), Owner()
    writing = Journaling(workers[0].journal, head, events_of(head, "Hello"), owner)
    following = asyncio.create_task(told(stranger, head.turn_id))
    await until(lambda: "want" in owner.wished)
    await workers[0].store.save_turn(turn_of(head, "Hello"))
    await writing.close()
    assert text_of(await following) == "Hello"


async def test_a_stop_from_another_worker_reaches_the_owner(workers: list[Worker]) -> None:
    """By the container's memory, also when nothing of the turn is written down."""
    head, owner = head_of(workers[0].ids.new(), ANNE), Owner()
    place = enter(workers[0], head, owner)
    assert not await workers[1].elsewhere().stop(head.turn_id, BEN)
    assert await workers[1].elsewhere().stop(head.turn_id, ANNE)
    await until(lambda: "stop" in owner.wished)
    workers[0].presence.leave(place)


async def test_a_stop_from_another_container_reaches_the_owner(workers: list[Worker], stranger: Worker) -> None:
    """By the journal, where it is written down."""
    head, owner = head_of(workers[0].ids.new(), ANNE), Owner()
    writing = Journaling(workers[0].journal, head, events_of(head, "Hello"), owner)
    await until(lambda: writing._number > 1)
    assert not await stranger.elsewhere().stop(head.turn_id, BEN)
    assert await stranger.elsewhere().stop(head.turn_id, ANNE)
    await until(lambda: "stop" in owner.wished)
    await writing.close()


async def test_what_cannot_be_stopped_is_told_so(workers: list[Worker], stranger: Worker) -> None:
    """One under way in another container that is read there; one that is over; one that never was."""
    with pytest.raises(TurnRunning):
        await stranger.elsewhere().stop(workers[0].ids.new(), VISITOR)
    head = head_of(workers[0].ids.new(), ANNE)
    await workers[0].store.save_turn(turn_of(head, "Hello"))
    assert await stranger.elsewhere().stop(head.turn_id, ANNE)
    assert not await stranger.elsewhere().stop(head.turn_id, BEN)
    assert not await stranger.elsewhere().stop(str(uuid4()), ANNE)
    assert not await workers[1].elsewhere().stop(workers[0].ids.new(), ANNE)


async def test_a_turn_whose_owner_died_is_kept_once_and_told_as_lost(workers: list[Worker], stranger: Worker) -> None:
    """Three followers find it dead at once: what was written is kept and told, and the end is the same for all."""
    head = head_of(workers[0].ids.new())
    await workers[0].journal.append(head, 1, written(events_of(head, "Hello ", "there")), seconds=0)
    found = await asyncio.gather(*(told(worker, head.turn_id) for worker in (*workers, stranger)))
    for batches in found:
        assert (text_of(batches), end_of(batches)) == ("Hello there", "turn_lost")
    kept = await stranger.store.turn(head.turn_id)
    assert (kept.answer, kept.outcome, kept.finish) == ("Hello there", "cancelled", "turn_lost")
    assert await stranger.journal.read(head.turn_id) is None
    again = await told(stranger, head.turn_id, position=20_002)  # more than was written had been read from the owner
    assert (text_of(again), end_of(again)) == ("", "turn_lost")


async def test_who_comes_late_to_a_dead_turn_empties_nothing(workers: list[Worker]) -> None:
    """It has read all that was written, and finds the turn dead when another has just kept it and deleted the rest."""
    head = head_of(workers[0].ids.new())
    await workers[0].journal.append(head, 1, written(events_of(head, "Hello there")), seconds=0)
    late = workers[1].elsewhere().lookout
    followed = reading.Reading(head.turn_id, UUID(head.turn_id).bytes, 0)
    await late.look(followed, VISITOR)
    assert (text_of(await told(workers[0], head.turn_id))) == "Hello there"
    [end] = await late._bury(followed, VISITOR)
    assert end_of([(0, [end])]) == "turn_lost"
    assert (await workers[0].store.turn(head.turn_id)).answer == "Hello there"


async def test_an_owner_that_was_taken_for_dead_hears_of_it(workers: list[Worker], stranger: Worker) -> None:
    """It was only slow; when it speaks again its turn is no longer its own."""
    head, owner = head_of(workers[0].ids.new()), Owner()
    await workers[0].journal.append(head, 1, written(events_of(head, "Hello")), seconds=0)
    assert end_of(await told(stranger, head.turn_id)) == "turn_lost"
    events = events_of(head, "Hello")
    writing = Journaling(workers[0].journal, head, events, owner)
    writing._number, writing._taken = 2, len(events)
    events.append(Delta(" there"))
    await until(lambda: "lose" in owner.wished)
    await writing.close()
    assert await stranger.journal.read(head.turn_id) is None


async def test_a_turn_that_is_saved_though_its_owner_died_is_told_whole(workers: list[Worker]) -> None:
    """It died after saving, before it deleted what it had written."""
    head = head_of(workers[0].ids.new())
    await workers[0].journal.append(head, 1, written(events_of(head, "Hello")), seconds=0)
    await workers[0].store.save_turn(turn_of(head, "Hello there"))
    batches = await told(workers[1], head.turn_id, position=2002)
    assert (text_of(batches), end_of(batches)) == ("llo there", "answered")
    assert await workers[0].journal.read(head.turn_id) is None


async def test_nobody_follows_what_is_anothers(workers: list[Worker]) -> None:
    """Live in the container, written down, or saved: to others there is no such turn."""
    one, other = workers
    head = head_of(one.ids.new(), ANNE)
    place = enter(one, head, Owner())
    with pytest.raises(TurnNotFound):
        await told(other, head.turn_id, BEN)
    assert await other.elsewhere().find(head.conversation_id, BEN) is None
    assert await other.elsewhere().find(head.conversation_id, ANNE) == head.turn_id
    one.presence.leave(place)
    await one.journal.append(head, 1, written(events_of(head)), seconds=60)
    with pytest.raises(TurnNotFound):
        await told(other, head.turn_id, BEN)
    assert await other.elsewhere().find(head.conversation_id, BEN) is None
    assert await other.elsewhere().find(head.conversation_id, ANNE) == head.turn_id
    await one.store.save_turn(turn_of(head, "Hello"))
    await one.journal.delete(head.turn_id)
    with pytest.raises(TurnNotFound):
        await told(other, head.turn_id, BEN)
    assert await other.elsewhere().find(head.conversation_id, ANNE) is None
    assert text_of(await told(other, head.turn_id, ANNE)) == "Hello"


async def test_what_never_was_or_is_long_gone_is_not_found(workers: list[Worker]) -> None:
    """Ids of nobody, of no kind, and one of ours that is too old to be under way."""
    for turn_id in (str(uuid4()), "chat-1", long_ago().new()):
        with pytest.raises(TurnNotFound):
            await told(workers[0], turn_id)


async def test_a_turn_of_another_container_is_waited_for(workers: list[Worker], stranger: Worker) -> None:
    """Its id says that it may be under way there; nothing else does until it is saved."""
    head = head_of(workers[0].ids.new())
    async with aclosing(stranger.elsewhere().follow(head.turn_id, VISITOR, position=0)) as found:
        assert await anext(found) == (0, [])
        await asyncio.sleep(0.2)  # longer than one of this container would be looked for
        await workers[0].store.save_turn(turn_of(head, "Hello"))
        batches = [batch async for batch in found]
    assert (text_of(batches), end_of(batches)) == ("Hello", "answered")


async def test_a_turn_of_another_container_that_does_not_show_in_time_is_lost(
    workers: list[Worker], stranger: Worker
) -> None:
    """Its follower's request has no time left to ask the database; that is not the database's fault."""
    deadline.start(deadline.RESERVE_SECONDS + 0.3)  # of this test's own context
    batches = await told(workers[0], stranger.ids.new())
    assert end_of(batches) == "turn_lost"


async def test_a_turn_of_this_container_that_is_nowhere_is_lost(workers: list[Worker]) -> None:
    """Its worker died before anything was written; nobody waits for it in vain."""
    batches = await told(workers[0], workers[1].ids.new())
    assert batches[0] == (0, [])
    assert end_of(batches) == "turn_lost"


async def test_a_position_behind_the_end_is_refused(workers: list[Worker]) -> None:
    """Of a turn that is saved whole."""
    head = head_of(workers[0].ids.new())
    await workers[0].store.save_turn(turn_of(head, "Hello"))
    with pytest.raises(InvalidRequest):
        await told(workers[1], head.turn_id, position=6000)
    assert await told(workers[1], head.turn_id, position=5003) == [(5003, [])]


async def test_without_the_database_a_follower_is_told_so(workers: list[Worker]) -> None:
    """By an error at any time, after a while for who follows already; no event of the turn says what may not be so."""
    head, owner = head_of(workers[0].ids.new()), Owner()
    journal = UnsteadyJournal(workers[1].journal)
    place = enter(workers[0], head, owner)
    writing = Journaling(workers[0].journal, head, events_of(head, "Hello"), owner)
    await until(lambda: writing._number > 1)
    journal.is_away = True
    with pytest.raises(StoreUnavailable):
        await anext(workers[1].elsewhere(journal).follow(head.turn_id, VISITOR, position=0))
    journal.is_away = False
    async with aclosing(workers[1].elsewhere(journal).follow(head.turn_id, VISITOR, position=0)) as found:
        assert text_of([await anext(found)]) == "Hello"
        journal.is_away = True
        with pytest.raises(StoreUnavailable):
            await anext(found)
    workers[0].presence.leave(place)
    await writing.close()


async def test_what_was_read_is_told_though_the_database_goes_away(workers: list[Worker], stranger: Worker) -> None:
    """Between reading and saying that one follows: nothing that was read is forgotten."""
    head = head_of(workers[0].ids.new())
    await workers[0].journal.append(head, 1, written(events_of(head, "Hello")), seconds=60)
    journal = UnsteadyJournal(stranger.journal)
    journal.is_deaf = True
    async with aclosing(stranger.elsewhere(journal).follow(head.turn_id, VISITOR, position=0)) as found:
        assert text_of([await anext(found)]) == "Hello"
        await workers[0].journal.append(head, 2, written([Delta(" there")]), seconds=60)
        assert text_of([await anext(found)]) == " there"


async def test_what_the_database_missed_is_written_later(workers: list[Worker]) -> None:
    """While it is away, and when a batch was written but its answer got lost: nothing twice, nothing missing."""
    head, owner = head_of(workers[0].ids.new()), Owner()
    journal = UnsteadyJournal(workers[0].journal)
    journal.is_away = True
    events = events_of(head, "Hello")
    writing = Journaling(journal, head, events, owner)
    await asyncio.sleep(0.1)
    events.append(Delta(" there"))
    journal.is_away, journal.forgets_answers = False, 2
    await until(lambda: not journal.forgets_answers)
    events.append(Delta(", reader"))
    await until(lambda: writing._number > 2)
    page = await workers[1].journal.read(head.turn_id)
    assert page is not None
    read = reading.Reading(head.turn_id, b"", 0).take(page)
    assert text_of([(0, read)]) == "Hello there, reader"
    journal.is_away = True
    closing = asyncio.create_task(writing.close())
    await asyncio.sleep(0.1)
    journal.is_away = False
    await closing
    assert await workers[1].journal.read(head.turn_id) is None

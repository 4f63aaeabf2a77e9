"""Live turns and those who miss them: what is written down when, and who hears of it."""

import asyncio
from contextlib import aclosing

import pytest
from tests.chat.dictation import Dictation, ports, read, text
from tests.chat.test_elsewhere import until
from tests.chat.written_turns import ANNE, UnsteadyJournal, Worker

from lectern.chat.draft import Question
from lectern.chat.following import Following
from lectern.chat.live_turn import Patience
from lectern.chat.neighbours import Neighbours
from lectern.chat.pipeline import Knobs
from lectern.chat.turns import Turns
from lectern.errors import (
    IdempotencyMismatch,
    IndexUnavailable,
    LecternError,
    StoreUnavailable,
    TooManyFollowers,
    TurnNotFound,
    TurnRunning,
)
from lectern.events import Done, Failed
from lectern.ports import Turn
from lectern.serving import process
from lectern.serving.drain import Drain

ASKED = Question("What is a reducer?", principal=ANNE)

pytestmark = pytest.mark.usefixtures("quick")


class Bed:
    """A worker with its live turns, their model, and a journal that can be watched and taken away."""

    def __init__(self, worker: Worker, knobs: Knobs, *, index: IndexUnavailable | None = None) -> None:
        self.worker = worker
        self.llm = Dictation()
        self.journal = UnsteadyJournal(worker.journal)
        found = ports(worker.store, self.llm)
        if index is not None:
            found.index.found = index  # type: ignore[attr-defined] # a fixed one
        neighbours = Neighbours(worker.elsewhere(self.journal), worker.presence, self.journal, most_followers=2)
        self.turns = Turns(found, knobs, patience=Patience(60, 5), ids=worker.ids, others=neighbours)

    async def written(self, turn_id: str) -> bool:
        """Whether a turn is written down."""
        return await self.worker.journal.read(turn_id) is not None

    async def until_written(self, turn_id: str) -> None:
        """Wait until it is."""
        async with asyncio.timeout(60):
            while not await self.written(turn_id):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(0.01)


@pytest.fixture
def beds(workers: list[Worker], knobs: Knobs) -> list[Bed]:
    """The two workers of a container, with their turns."""
    return [Bed(worker, knobs) for worker in workers]


async def left(bed: Bed, *pieces: str) -> str:
    """A turn that has said so much and whose reader has left; its id."""
    bed.llm.say(*pieces)
    following = await bed.turns.begin(ASKED)
    async with aclosing(following.batches()) as batches:
        async for _, events in batches:
            if text(events):
                break
    return following.turn_id


async def kept(worker: Worker, turn_id: str) -> Turn:
    """A turn that is saved."""
    return await worker.store.turn(turn_id, principal_id=ANNE.id)


async def test_a_turn_that_nobody_misses_asks_the_journal_nothing(beds: list[Bed]) -> None:
    """Not when it begins, not while it is read, not when it ends; and nothing is left in the roster."""
    one, _ = beds
    one.llm.say("Hello", " there")
    one.llm.end()
    following = await one.turns.begin(ASKED)
    assert text(await read(following)) == "Hello there"
    await one.turns.close()
    assert one.journal.asked == 0
    assert one.worker.presence.is_alone(following.turn_id)
    assert one.worker.presence._timer is None


async def test_a_turn_that_is_left_is_written_down_until_it_is_saved(beds: list[Bed]) -> None:
    """Its reader goes on with it at the other worker, and is told what came meanwhile."""
    one, other = beds
    turn_id = await left(one, "Hello")
    following = await other.turns.follow(turn_id, ANNE, position=1000 * 3 + 2)
    reading = asyncio.create_task(read(following))
    one.llm.say(" there")
    one.llm.end()
    told = await reading
    assert text(told) == "lo there"
    assert isinstance(told[-1], Done)
    await one.turns.close()
    assert not await one.written(turn_id)


async def test_a_turn_that_is_wanted_elsewhere_is_not_abandoned(beds: list[Bed]) -> None:
    """Nobody here waits for it any more, and nobody may come back; its follower there still reads."""
    one, other = beds
    one.turns._patience = Patience(0.2, 5)
    one.llm.say("Hello")
    own = await one.turns.begin(ASKED)
    following = await other.turns.follow(own.turn_id, ANNE)
    live = one.turns._live[own.turn_id]
    await until(lambda: live._wanted_until > 0)
    reading = asyncio.create_task(read(following))
    await leave(own)
    await asyncio.sleep(0.5)
    one.llm.say(" there")
    one.llm.end()
    assert text(await reading) == "Hello there"


async def leave(following: Following) -> None:
    """Read the beginning of a turn, and no more."""
    async with aclosing(following.batches()) as batches:
        await anext(batches)


async def test_a_stop_elsewhere_ends_a_turn_here(beds: list[Bed]) -> None:
    """By its id and by its conversation's, from the other worker."""
    one, other = beds
    one.llm.say("Hello")
    following = await one.turns.begin(ASKED)
    await other.turns.stop(following.turn_id, ANNE)
    assert [event.finish for event in await read(following) if isinstance(event, Done)] == ["stopped"]
    following = await one.turns.begin(ASKED)
    assert await other.turns.stop_conversation(following.conversation_id, ANNE)
    assert [event.finish for event in await read(following) if isinstance(event, Done)] == ["stopped"]
    assert not await other.turns.stop_conversation(following.conversation_id, ANNE)
    assert await other.turns.follow_conversation(following.conversation_id, ANNE) is None


async def test_what_is_under_way_in_a_conversation_is_found_at_another_worker(beds: list[Bed]) -> None:
    """From its first event."""
    one, other = beds
    one.llm.say("Hello")
    own = await one.turns.begin(ASKED)
    following = await other.turns.follow_conversation(own.conversation_id, ANNE)
    assert following is not None
    assert following.turn_id == own.turn_id
    one.llm.end()
    assert [event.name for event in await read(following)] == ["started", "sources", "delta", "done"]


async def test_a_conversation_that_is_deleted_takes_its_turn_along(beds: list[Bed]) -> None:
    """One that is under way and written down ends, and does not bring the conversation back."""
    one, _ = beds
    turn_id = await left(one, "Hello")
    live = one.turns._live[turn_id]
    await one.until_written(turn_id)
    await one.worker.store.delete_conversation(live.conversation_id, principal_id=ANNE.id)
    await live.wait()
    assert isinstance(live.events[-1], Failed)
    assert live.events[-1].code == "turn_lost"
    with pytest.raises(TurnNotFound):
        await kept(one.worker, turn_id)
    await one.turns.close()
    assert not await one.written(turn_id)


async def test_a_draining_worker_writes_its_turns_down(beds: list[Bed], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those it has, though they are read, and those that still come."""
    one, _ = beds
    monkeypatch.setattr(process._here, "drain", Drain())
    first = await one.turns.begin(ASKED)
    await asyncio.sleep(0.1)
    assert not await one.written(first.turn_id)
    process._here.drain.begin(60)
    second = await one.turns.begin(ASKED)
    for turn in (first, second):
        await one.until_written(turn.turn_id)
    await one.turns.close()
    for turn in (first, second):
        assert (await kept(one.worker, turn.turn_id)).finish == "shutting_down"
        assert not await one.written(turn.turn_id)


async def test_a_turn_without_room_in_the_roster_is_written_down(beds: list[Bed]) -> None:
    """So that it is found all the same."""
    one, other = beds
    one.worker.roster._free.clear()
    one.llm.say("Hello")
    own = await one.turns.begin(ASKED)
    await one.until_written(own.turn_id)
    following = await other.turns.follow(own.turn_id, ANNE)
    one.llm.end()
    assert text(await read(following)) == "Hello"


async def test_only_so_many_may_follow_what_is_elsewhere(beds: list[Bed]) -> None:
    """Each reads the journal; who has left makes room."""
    one, other = beds
    one.llm.say("Hello")
    own = await one.turns.begin(ASKED)
    followers = [await other.turns.follow(own.turn_id, ANNE) for _ in range(2)]
    with pytest.raises(TooManyFollowers):
        await other.turns.follow(own.turn_id, ANNE)
    await followers[0].lingering()
    followers[0] = await other.turns.follow(own.turn_id, ANNE)
    one.llm.end()
    assert [text(await read(each)) for each in followers] == ["Hello", "Hello"]


async def test_one_key_is_one_turn_for_all_workers(beds: list[Bed], stranger: Worker, knobs: Knobs) -> None:
    """Sent to three workers of two containers at once: one answers, and the others tell the same."""
    all_ = [*beds, Bed(stranger, knobs)]
    for bed in all_:
        bed.llm.say("Hello")
        bed.llm.end()
    asked = [asyncio.create_task(bed.turns.begin(ASKED, key="k")) for bed in all_]
    found = await asyncio.gather(*asked)
    assert len({following.turn_id for following in found}) == 1
    assert [text(await read(following)) for following in found] == ["Hello"] * 3
    assert sum(len(bed.llm.prompts) for bed in all_) == 1
    for bed in all_:
        again = await bed.turns.begin(ASKED, key="k")
        assert text(await read(again)) == "Hello"
        with pytest.raises(IdempotencyMismatch):
            await bed.turns.begin(Question("What else?", principal=ANNE), key="k")
    await asyncio.gather(*(bed.turns.close() for bed in all_))
    assert not await beds[0].written(found[0].turn_id)


async def test_a_key_is_refused_for_another_question_while_its_turn_is_under_way(beds: list[Bed]) -> None:
    """Also when its words are the same, and what they are about is not."""
    one, other = beds
    await one.turns.begin(ASKED, key="k")
    with pytest.raises(IdempotencyMismatch):
        await other.turns.begin(Question(ASKED.text, context="Some text.", principal=ANNE), key="k")
    await one.turns.close()


async def test_a_key_whose_turn_failed_at_once_can_be_used_again(workers: list[Worker], knobs: Knobs) -> None:
    """It said nothing, and nothing is kept of it: the next try is a new one, wherever it comes."""
    broken, whole = Bed(workers[0], knobs, index=IndexUnavailable()), Bed(workers[1], knobs)
    with pytest.raises(IndexUnavailable):
        await broken.turns.begin(ASKED, key="k")
    await broken.turns.close()
    whole.llm.say("Hello")
    whole.llm.end()
    assert text(await read(await whole.turns.begin(ASKED, key="k"))) == "Hello"


async def test_without_the_database_one_key_is_one_turn_in_its_container(beds: list[Bed]) -> None:
    """The workers know of each other: whoever comes second is told to try again, and asks the model nothing."""
    one, other = beds
    for bed in beds:
        bed.journal.is_away = True
    one.llm.say("Hello")
    own = await one.turns.begin(ASKED, key="k")
    with pytest.raises(TurnRunning):
        await other.turns.begin(ASKED, key="k")
    assert other.llm.prompts == []
    one.llm.end()
    assert text(await read(own)) == "Hello"
    other.journal.is_away = False
    again = await other.turns.begin(ASKED, key="k")
    assert text(await read(again)) == "Hello"
    assert other.llm.prompts == []


async def test_without_the_database_a_turn_elsewhere_is_an_honest_error(beds: list[Bed]) -> None:
    """It cannot be read from here, and may be again soon."""
    one, other = beds
    own = await one.turns.begin(ASKED)
    other.journal.is_away = True
    with pytest.raises(StoreUnavailable) as caught:
        await other.turns.follow(own.turn_id, ANNE)
    error: LecternError = caught.value
    assert (error.status, error.retryable) == (503, True)
    await one.turns.close()

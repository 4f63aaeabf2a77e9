"""The contract of every `Journal`: a turn is one's to write, and whoever follows it reads what was written."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select
from tests.contracts.journals import batches, head_of, said
from tests.contracts.processes import at_once

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_turn_models import TurnEventsRow
from lectern.errors import StoreUnavailable
from lectern.ports import Journal, Wishes
from lectern.resilience import deadline

Result = TypeVar("Result")


class Doubtful(SqlDatabase):
    """A real database to which the way breaks behind the commit: what may be done again is, once or by the caller."""

    tells = True

    async def run(
        self, work: Callable[[Connection], Result], *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """As the database, twice where that is allowed; or once, and nobody hears of it."""
        if writes and again:
            await super().run(work, writes=True, again=True, hint=hint)
            if not self.tells:
                raise StoreUnavailable
        return await super().run(work, writes=writes, again=again, hint=hint)


NO_IDS = ["", "no-uuid", "'; DROP TABLE live_turns; --", "\x00", "é" * 300]


@pytest.fixture
def worker(database: SqlDatabase) -> Callable[[], Journal]:
    """Makes a worker's own port over a database of each kind."""
    return lambda: SqlJournal(database)


@pytest.fixture
def journal(worker: Callable[[], Journal]) -> Journal:
    """That of the worker that has the turn."""
    return worker()


async def test_what_was_written_is_read_elsewhere(worker: Callable[[], Journal]) -> None:
    """The head, and its batches in their order, from where one is; nothing changes underway."""
    owner, other = worker(), worker()
    head = head_of("پہلا باب 🦊", digest="d" * 64)
    began = datetime.now(UTC)
    events = [["sources", {"sources": [{"id": "1", "score": 0.5, "heading_path": ["A", "B"]}]}], *said("So ", "it")]
    await owner.append(head, 1, events, seconds=60)
    await owner.append(head, 2, said(" is."), seconds=60)
    page = await other.read(head.turn_id)
    assert page is not None
    assert page.head == head
    assert began - timedelta(seconds=1) <= page.created_at <= datetime.now(UTC)
    assert page.alive_until >= began + timedelta(seconds=60)
    assert page.batches == ((1, events), (2, said(" is.")))
    assert await batches(other, head, after=1) == [(2, said(" is."))]
    assert await batches(other, head, after=2) == []


async def test_an_empty_batch_says_that_the_owner_lives(journal: Journal) -> None:
    """It makes the head when it is the first, prolongs its life later, and takes no number."""
    head = head_of()
    await journal.append(head, 1, [], seconds=0)
    first = await journal.read(head.turn_id)
    await journal.append(head, 1, said("a"), seconds=0)
    await journal.append(head, 2, [], seconds=60)
    last = await journal.read(head.turn_id)
    assert first is not None
    assert last is not None
    assert first.batches == ()
    assert last.batches == ((1, said("a")),)
    assert last.alive_until > first.alive_until
    assert last.created_at == first.created_at


async def test_writing_a_number_again_changes_nothing(journal: Journal) -> None:
    """A batch whose commit was not heard of is written again, and is there once, as it was first."""
    head = head_of()
    for number, text in ((1, "a"), (1, "b"), (2, "c"), (2, "d"), (1, "e")):
        await journal.append(head, number, said(text), seconds=60)
    assert await batches(journal, head) == [(1, said("a")), (2, said("c"))]


async def test_a_broken_way_to_the_database(database_url: str) -> None:
    """What was done, and not heard of, is done again without harm: by the database, or by who wanted it."""
    database = Doubtful(database_url)
    owner = SqlJournal(database)
    claimed, head = head_of(), head_of()
    assert await owner.claim(claimed, seconds=60)
    assert await owner.append(claimed, 1, said("a"), seconds=60) == Wishes()
    for number, text in enumerate("abc", 1):
        database.tells = False
        with pytest.raises(StoreUnavailable):
            await owner.append(head, number, said(text), seconds=60)
        database.tells = True
        assert await owner.append(head, number, said(text), seconds=60) == Wishes()
    assert await batches(owner, claimed) == [(1, said("a"))]
    assert await batches(owner, head) == [(1, said("a")), (2, said("b")), (3, said("c"))]
    await owner.delete(head.turn_id)
    await database.close()


async def test_any_text_is_written(journal: Journal) -> None:
    """What a database would refuse is replaced, one character by one, so that positions hold; the rest stays."""
    for number, text in enumerate(("'; DROP TABLE turn_events; --", "%s :turn {}", "x" * 100_000, "a\x00b\ud800"), 1):
        head = head_of(text)
        await journal.append(head, 1, said(text), seconds=60)
        page = await journal.read(head.turn_id)
        assert page is not None
        kept = text if number < 4 else "a\ufffdb?"
        assert (page.head.question, page.batches) == (kept, ((1, said(kept)),))


async def test_a_turn_is_claimed_once(worker: Callable[[], Journal]) -> None:
    """While its owner lives, and however the claim is repeated; what it writes then is its own."""
    mine, yours = worker(), worker()
    head = head_of(digest="d")
    assert await mine.claim(head, seconds=60)
    assert not await yours.claim(head, seconds=60)
    assert not await mine.claim(head, seconds=60)
    assert await mine.append(head, 1, said("a"), seconds=60) == Wishes()
    assert await yours.append(head, 1, said("b"), seconds=60) == Wishes(stop=True, lost=True)
    assert await yours.append(head, 2, said("c"), seconds=60) == Wishes(stop=True, lost=True)
    assert await batches(mine, head) == [(1, said("a"))]


async def test_a_dead_claim_may_be_claimed_again(worker: Callable[[], Journal]) -> None:
    """As long as nothing was written: the heir's own conversation counts, and what was wished before does not."""
    gone, heir, third = worker(), worker(), worker()
    head = head_of(digest="d")
    assert await gone.claim(head, seconds=0)
    await third.wish(head.turn_id, stop=True)
    again = replace(head, conversation_id=str(uuid4()), principal_id="visitor:2")
    assert await heir.claim(again, seconds=60)
    assert not await third.claim(head, seconds=60)
    page = await heir.read(head.turn_id)
    assert page is not None
    assert page.head == again
    assert await heir.append(again, 1, [], seconds=60) == Wishes()


async def test_who_was_only_slow_is_told(worker: Callable[[], Journal]) -> None:
    """It has lost its turn to the heir, and what it writes late is nowhere."""
    slow, heir = worker(), worker()
    head = head_of()
    assert await slow.claim(head, seconds=0)
    assert await heir.claim(head, seconds=60)
    assert (await slow.append(head, 1, said("slow"), seconds=60)).lost
    await heir.append(head, 1, said("heir"), seconds=60)
    assert (await slow.append(head, 2, said("slow"), seconds=60)).lost
    assert await batches(slow, head) == [(1, said("heir"))]


async def test_a_dead_turn_with_events_is_nobodys(worker: Callable[[], Journal]) -> None:
    """Somebody may have read them, so no other answer takes their place; also when the owner's words were no claim."""
    for claimed in (True, False):
        gone, heir = worker(), worker()
        head = head_of()
        if claimed:
            assert await gone.claim(head, seconds=0)
        await gone.append(head, 1, said("a"), seconds=0)
        await gone.append(head, 2, [], seconds=0)
        assert not await heir.claim(head, seconds=60)
        assert await batches(heir, head) == [(1, said("a"))]


async def test_a_key_of_another_request_is_not_claimed(worker: Callable[[], Journal]) -> None:
    """Dead or not: who reads the head sees that it is another's request."""
    head = head_of(digest="one")
    assert await worker().claim(head, seconds=0)
    assert not await worker().claim(replace(head, digest="other"), seconds=60)
    page = await worker().read(head.turn_id)
    assert page is not None
    assert page.head.digest == "one"


async def test_of_twenty_who_claim_at_once_one_gets_it(worker: Callable[[], Journal]) -> None:
    """A new turn and a dead one, of one process and of several."""
    head = head_of()
    workers = [worker() for _ in range(5)]
    for seconds in (0, 60):
        claims = await asyncio.gather(*(workers[turn % 5].claim(head, seconds=seconds) for turn in range(20)))
        # With no time to live each claim is dead at once, so that the next of them may have it, too.
        assert sum(claims) == 1 if seconds else any(claims)
    assert not any(await asyncio.gather(*(each.claim(head, seconds=60) for each in workers)))


async def test_of_two_processes_one_gets_it(database_url: str) -> None:
    """Ten claimers in each of two processes want the same ten turns."""
    turns = [str(uuid4()) for _ in range(10)]
    got = await asyncio.to_thread(
        at_once, ["turns", database_url, "user:a", *turns], ["turns", database_url, "user:b", *reversed(turns)]
    )
    assert sorted(turn for process in got for claimer in process for turn in claimer) == sorted(turns)


async def test_batches_of_one_owner_at_once(worker: Callable[[], Journal]) -> None:
    """Repeated over several connections at the same moment, each number is there once."""
    owner = worker()
    head = head_of()
    await owner.append(head, 1, said("1"), seconds=60)
    await asyncio.gather(*(owner.append(head, number, said(f"{number}"), seconds=60) for number in [*range(2, 9)] * 3))
    assert await batches(owner, head) == [(number, said(f"{number}")) for number in range(1, 9)]


async def test_wishes_reach_the_owner(worker: Callable[[], Journal]) -> None:
    """That somebody follows, and when; that somebody wants it to stop: each with the owner's next word."""
    owner, other = worker(), worker()
    head = head_of()
    assert await owner.append(head, 1, said("a"), seconds=60) == Wishes()
    began = datetime.now(UTC)
    assert await other.wish(head.turn_id)
    told = await owner.append(head, 2, [], seconds=60)
    assert told.followed_at is not None
    assert began - timedelta(seconds=1) <= told.followed_at <= datetime.now(UTC)
    assert not told.stop
    assert await other.wish(head.turn_id, stop=True)
    assert await owner.append(head, 2, said("b"), seconds=60) == Wishes(told.followed_at, stop=True)
    assert await other.wish(head.turn_id)
    later = await owner.append(head, 3, [], seconds=60)
    assert later.stop
    assert later.followed_at is not None
    assert later.followed_at > told.followed_at


async def test_what_is_live_in_a_conversation(worker: Callable[[], Journal]) -> None:
    """Its newest turn that is alive, whoever asks; not a dead one, and not another conversation's."""
    owner, other = worker(), worker()
    conversation = str(uuid4())
    first, dead, second = (head_of(conversation_id=conversation) for _ in range(3))
    assert await other.find(conversation) is None
    await owner.append(first, 1, [], seconds=60)
    await owner.append(head_of(), 1, [], seconds=60)
    assert await other.find(conversation) == first
    await owner.append(second, 1, [], seconds=60)
    await owner.append(dead, 1, said("a"), seconds=0)
    assert await other.find(conversation) == second
    await owner.delete(second.turn_id)
    assert await other.find(conversation.upper()) == first


async def test_a_deleted_turn_leaves_nothing(database: SqlDatabase, worker: Callable[[], Journal]) -> None:
    """Its events go with it, and its owner, who did not know, brings nothing back: it is told."""
    owner, other = worker(), worker()
    head = head_of()
    await owner.append(head, 1, said("a"), seconds=60)
    await other.delete(head.turn_id)
    assert await owner.append(head, 2, said("b"), seconds=60) == Wishes(stop=True, lost=True)
    assert await owner.append(head, 2, [], seconds=60) == Wishes(stop=True, lost=True)
    assert await other.read(head.turn_id) is None
    assert not await other.wish(head.turn_id)
    await owner.delete(head.turn_id)  # again, by who knows it: nothing

    def left(connection: Connection) -> int:
        counted = select(func.count()).where(TurnEventsRow.turn_id == UUID(head.turn_id))
        return connection.execute(counted).scalar_one()

    assert await database.run(left) == 0


@pytest.mark.parametrize("name", NO_IDS)
async def test_what_is_no_id_names_nothing(journal: Journal, name: str) -> None:
    """To those who read, wish or delete it is as one that is not there."""
    assert await journal.read(name) is None
    assert await journal.find(name) is None
    assert not await journal.wish(name)
    await journal.delete(name)
    with pytest.raises(ValueError, match="UUID"):
        await journal.claim(head_of(turn_id=name), seconds=60)


async def test_a_late_turn_is_written_to_its_end(journal: Journal) -> None:
    """A request whose time is over still says how its turn ended, and clears it away."""
    head = head_of()
    token = deadline.start(0)
    try:
        await journal.append(head, 1, said("a"), seconds=60)
        assert await batches(journal, head) == [(1, said("a"))]
        await journal.delete(head.turn_id)
    finally:
        deadline.end(token)
    assert await journal.read(head.turn_id) is None

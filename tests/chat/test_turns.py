"""Live turns: begun, followed, left, come back to, stopped; whoever does it, the turn is one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

import pytest
from tests.chat.dictation import FOUND, Dictation, ports, read, text
from tests.scripted import FixedIndex

from lectern.adapters.sql_store import SqlStore
from lectern.chat.draft import Question
from lectern.chat.following import Batches, Following
from lectern.chat.live_turn import LiveTurn, Patience
from lectern.chat.others import Alone
from lectern.chat.pipeline import Knobs
from lectern.chat.turns import Turns
from lectern.errors import (
    IdempotencyMismatch,
    IndexUnavailable,
    InvalidRequest,
    ShuttingDown,
    TooManyFollowers,
    TurnNotFound,
    UpstreamTimeout,
)
from lectern.events import Delta, Done, Event, Failed, Started, after
from lectern.ports import Hits, JournalHead, Vector
from lectern.principal import Principal
from lectern.serving import process
from lectern.serving.drain import Drain

VISITOR, ANNE, BEN = Principal("visitor", "v"), Principal("user", "anne"), Principal("account", "ben")
ASKED = Question("What is a reducer?", principal=VISITOR)


@dataclass
class Noted(Alone):
    """Others, who note what they are told; a claim succeeds as the test says."""

    claims: bool = True
    told: list[str] = field(default_factory=list)
    claimed: list[JournalHead] = field(default_factory=list)
    turns: list[LiveTurn] = field(default_factory=list)
    events: Sequence[Event] = ()

    async def claim(self, head: JournalHead) -> bool:
        """As the test says."""
        self.claimed.append(head)
        return self.claims

    def began(self, turn: LiveTurn) -> None:
        """Note it."""
        self.turns.append(turn)
        self.told.append("began")

    def missed(self, turn: LiveTurn) -> None:
        """Note it."""
        assert turn is self.turns[-1]
        self.told.append("missed")

    def ended(self, turn: LiveTurn) -> None:
        """Note it."""
        assert turn.over
        self.told.append("ended")

    async def follow(self, turn_id: str, principal: Principal, *, position: int) -> Batches:
        """The events that the test gave."""
        if not self.events:
            return await super().follow(turn_id, principal, position=position)
        return self._batches(position)

    async def _batches(self, position: int) -> Batches:
        yield position, self.events


class Bed:
    """Turns of a worker, their model, and what the rest of the world is told of them."""

    def __init__(self, store: SqlStore, knobs: Knobs, *, abandon: float = 60, most: int = 50) -> None:
        self.store, self.llm, self.others, self.index = store, Dictation(), Noted(), FixedIndex(FOUND)
        self.turns = Turns(
            ports(store, self.llm, self.index), knobs, patience=Patience(abandon, most), others=self.others
        )

    @property
    def turn(self) -> LiveTurn:
        """The turn that began last."""
        return self.others.turns[-1]

    async def said(self, pieces: int) -> None:
        """Return when the turn has so many deltas."""
        while sum(isinstance(event, Delta) for event in self.turn.events) < pieces:
            await self.turn.news()

    async def kept(self) -> tuple[str, str, str]:
        """The turn as it was saved: its answer, its outcome, and why it ended."""
        turn = await self.store.turn(self.turn.id, principal_id=self.turn.draft.question.principal_id)
        return turn.answer, turn.outcome, self.turn.draft.turn(turn.outcome).finish


@pytest.fixture
async def bed(store: SqlStore, knobs: Knobs) -> AsyncGenerator[Bed, None]:
    """A worker whose readers may be away for a minute."""
    bed = Bed(store, knobs)
    yield bed
    await bed.turns.close()


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch) -> Drain:
    """A drain of the test's own."""
    drain = Drain()
    monkeypatch.setattr(process._here, "drain", drain)
    return drain


async def until_delta(following: Following) -> int:
    """Read to the first delta and leave; the position then."""
    async with aclosing(following.batches()) as batches:
        async for position, events in batches:
            at = position
            for event in events:
                at = after(at, event)
                if isinstance(event, Delta):
                    return at
    raise AssertionError


async def test_who_comes_back_gets_the_rest(bed: Bed) -> None:
    """A reader leaves in the middle; the turn goes on, and from its position on nothing is missing or doubled."""
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers ")
    position = await until_delta(following)
    assert bed.others.told == ["began", "missed"]
    bed.llm.say("are pure", " [1].")
    await bed.said(3)
    assert bed.llm.open == 1
    back = asyncio.create_task(read(await bed.turns.follow(following.turn_id, VISITOR, position=position)))
    bed.llm.end()
    events = await back
    assert (text(events), events[-1].name) == ("are pure [1].", "done")
    assert await bed.kept() == ("Reducers are pure [1].", "answered", "stop")
    assert bed.others.told == ["began", "missed", "ended"]


async def test_from_any_position_the_rest_is_the_same(bed: Bed) -> None:
    """Between two events, inside of a delta, at the end: what was had and what comes are the whole answer."""
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers ", "are pure ✓ [1].")
    await bed.said(2)
    whole = "Reducers are pure ✓ [1]."
    places = [0, 1, 2, *(2 + 1000 * characters for characters in range(1, len(whole) + 1))]
    reading = [
        asyncio.create_task(read(await bed.turns.follow(following.turn_id, VISITOR, position=place)))
        for place in places
    ]
    bed.llm.end()
    for place, events in zip(places, await asyncio.gather(*reading), strict=True):
        assert whole[: place // 1000] + text(events) == whole
        assert [event.name for event in events if event.name != "delta"] == ["started", "sources", "done"][
            place % 1000 :
        ]
    assert text(await read(following)) == whole


async def test_many_follow_one_turn(bed: Bed) -> None:
    """Fifty readers, one call of the model, one turn kept; each has the same events."""
    following = await bed.turns.begin(ASKED)
    all_of_them = [following, *[await bed.turns.follow(following.turn_id, VISITOR) for _ in range(49)]]
    with pytest.raises(TooManyFollowers) as refused:
        await bed.turns.follow(following.turn_id, VISITOR)
    assert refused.value.retry_after_seconds
    reading = [asyncio.create_task(read(each)) for each in all_of_them]
    bed.llm.say("Pure ", "[1].")
    bed.llm.end()
    first, *others = await asyncio.gather(*reading)
    assert all(events == first for events in others)
    assert len(bed.llm.prompts) == 1


async def test_a_place_is_free_when_one_leaves(store: SqlStore, knobs: Knobs) -> None:
    """The cap is of those who follow now."""
    bed = Bed(store, knobs, most=1)
    following = await bed.turns.begin(ASKED)
    with pytest.raises(TooManyFollowers):
        await bed.turns.follow(following.turn_id, VISITOR)
    bed.llm.say("Pure.")
    await until_delta(following)
    assert await bed.turns.follow(following.turn_id, VISITOR)
    await bed.turns.close()


@pytest.mark.parametrize("seconds", [0, 0.01])
async def test_a_turn_that_nobody_follows_is_given_up(store: SqlStore, knobs: Knobs, seconds: float) -> None:
    """The model is stopped, and what was said is kept and marked, after the time that readers have to come back."""
    bed = Bed(store, knobs, abandon=seconds)
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers ")
    await until_delta(following)
    await bed.turn.wait()
    assert bed.llm.open == 0
    assert await bed.kept() == ("Reducers ", "cancelled", "abandoned")
    last = bed.turn.events[-1]
    assert isinstance(last, Done)
    assert (last.outcome, last.finish) == ("cancelled", "abandoned")
    with pytest.raises(TurnNotFound):
        await bed.turns.follow(following.turn_id, VISITOR)


async def test_who_is_back_in_time_keeps_it_going(bed: Bed) -> None:
    """The time to come back ends when somebody has."""
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers ")
    await until_delta(following)
    assert bed.turn._timer is not None
    await bed.turns.follow(following.turn_id, VISITOR)
    assert bed.turn._timer is None


async def test_who_follows_elsewhere_keeps_it_going(store: SqlStore, knobs: Knobs) -> None:
    """A turn that is wanted from elsewhere is not given up, however little patience there is here."""
    bed = Bed(store, knobs, abandon=0)
    following = await bed.turns.begin(ASKED)
    bed.turn.want(600)
    bed.llm.say("Reducers ")
    await until_delta(following)
    bed.llm.say("are pure.")
    bed.llm.end()
    await bed.turn.wait()
    assert (await bed.kept())[1] == "answered"


async def test_the_first_request_stands_for_its_turn(bed: Bed) -> None:
    """It ends when the turn has; another follower's ends when it leaves."""
    following = await bed.turns.begin(ASKED)
    other = await bed.turns.follow(following.turn_id, VISITOR)
    bed.llm.say("Pure.")
    await until_delta(following)
    await until_delta(other)
    await other.lingering()
    lingering = asyncio.create_task(following.lingering())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not lingering.done()
    bed.llm.end()
    await lingering
    assert (await bed.kept())[1] == "answered"


async def test_one_reader_stops_it_for_all(bed: Bed) -> None:
    """Each follower is told by the one last event, after what was said has been kept."""
    following = await bed.turns.begin(ASKED)
    other = await bed.turns.follow(following.turn_id, VISITOR)
    reading = [asyncio.create_task(read(each)) for each in (following, other)]
    bed.llm.say("Reducers ")
    await bed.said(1)
    await bed.turns.stop(following.turn_id, VISITOR)
    assert await bed.kept() == ("Reducers ", "cancelled", "stopped")
    for events in await asyncio.gather(*reading):
        assert text(events) == "Reducers "
        assert [event for event in events if isinstance(event, Done | Failed)] == [events[-1]]
        assert isinstance(events[-1], Done)
        assert (events[-1].outcome, events[-1].finish) == ("cancelled", "stopped")
    with pytest.raises(TurnNotFound):
        await bed.turns.stop(following.turn_id, VISITOR)


class SlowIndex(FixedIndex):
    """Finds when it is told to."""

    def __init__(self) -> None:
        super().__init__(FOUND)
        self.go, self.asked = asyncio.Event(), asyncio.Event()

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Wait."""
        self.asked.set()
        await self.go.wait()
        return await super().search(query, vector=vector, limit=limit, site=site)


async def test_stopped_before_its_first_event_it_still_is_a_turn(bed: Bed) -> None:
    """Who waits for the beginning gets one, and its end at once."""
    index = SlowIndex()
    bed.turns._ports = replace(bed.turns._ports, index=index)
    beginning = asyncio.create_task(bed.turns.begin(ASKED))
    await index.asked.wait()
    await bed.turns.stop(bed.turn.id, VISITOR)
    events = await read(await beginning)
    assert [event.name for event in events] == ["started", "done"]
    assert (await bed.kept())[1:] == ("cancelled", "stopped")


@pytest.mark.parametrize("key", [None, "once"])
async def test_who_leaves_before_the_first_event(store: SqlStore, knobs: Knobs, key: str | None) -> None:
    """Nobody knows the turn, so it ends at once and leaves nothing; one with a key can be asked for again."""
    bed = Bed(store, knobs, abandon=0.01)
    index = SlowIndex()
    bed.turns._ports = replace(bed.turns._ports, index=index)
    before = asyncio.all_tasks()
    beginning = asyncio.create_task(bed.turns.begin(ASKED, key=key))
    await index.asked.wait()
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    assert asyncio.all_tasks() == before
    assert bed.others.told == ["began", *(["missed"] if key else []), "ended"]
    with pytest.raises(TurnNotFound):
        await bed.kept()


async def test_the_last_call_ends_it_when_it_is_kept(bed: Bed, drain: Drain) -> None:
    """Followers are told that the server restarts, once, and only after the turn is saved as far as it came."""
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers ")
    await bed.said(1)
    drain.last_call.happen()
    events: list[Event] = []
    async with aclosing(following.batches()) as batches:
        async for _, batch in batches:
            if isinstance(batch[-1], Failed):
                assert await bed.kept() == ("Reducers ", "cancelled", "shutting_down")
            events += batch
    assert events[-1] == Failed.of(ShuttingDown())
    assert [event.name for event in events] == ["started", "sources", "delta", "failed"]
    assert not drain.last_call._waiters


async def test_the_last_call_before_the_first_event_is_an_error(bed: Bed, drain: Drain) -> None:
    """It has a status of its own still."""
    index = SlowIndex()
    bed.turns._ports = replace(bed.turns._ports, index=index)
    beginning = asyncio.create_task(bed.turns.begin(ASKED))
    await index.asked.wait()
    drain.last_call.happen()
    with pytest.raises(ShuttingDown):
        await beginning


async def test_an_end_that_is_being_kept_is_not_changed(bed: Bed) -> None:
    """Who stops a turn whose answer is complete comes too late, and does no harm."""
    following = await bed.turns.begin(ASKED)
    reading = asyncio.create_task(read(following))
    bed.llm.say("Pure [1].")
    bed.llm.end()
    while not bed.turn.draft.settled:  # noqa: ASYNC110 - what is looked for has no event
        await asyncio.sleep(0)
    await bed.turns.stop(following.turn_id, VISITOR)
    assert isinstance((await reading)[-1], Done)
    assert (await bed.kept())[1] == "answered"


async def test_an_error_before_the_first_event_is_everybodys(bed: Bed) -> None:
    """Two who ask with one key get the same error, and nothing is kept."""
    bed.index.found = IndexUnavailable()
    results = await asyncio.gather(*(bed.turns.begin(ASKED, key="once") for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [IndexUnavailable] * 2
    assert len(bed.index.queries) == 1
    assert bed.others.told == ["began", "ended"]


async def test_a_failure_later_is_an_event(bed: Bed) -> None:
    """Its code is why it ended, in the turn that is kept too."""
    following = await bed.turns.begin(ASKED)
    bed.llm.say("Reducers", UpstreamTimeout())
    events = await read(following)
    assert events[-1] == Failed.of(UpstreamTimeout())
    assert await bed.kept() == ("Reducers", "failed", "upstream_timeout")


async def test_one_key_is_one_turn(bed: Bed) -> None:
    """Twenty who send it at once are answered by one call of the model, each with the whole answer."""
    beginning = [asyncio.create_task(bed.turns.begin(ASKED, key="once", address="192.0.2.1")) for _ in range(20)]
    following = await asyncio.gather(*beginning)
    bed.llm.say("Pure [1].")
    bed.llm.end()
    answers = await asyncio.gather(*(read(each) for each in following))
    assert {text(events) for events in answers} == {"Pure [1]."}
    assert len({each.turn_id for each in following}) == 1
    assert len(bed.llm.prompts) == len(bed.others.claimed) == 1
    assert bed.others.claimed[0].turn_id == following[0].turn_id


async def test_a_key_is_one_requests_and_one_askers(bed: Bed) -> None:
    """With another message it is refused; another account's, or that of another address, is another turn."""
    first = await bed.turns.begin(ASKED, key="once", address="192.0.2.1")
    with pytest.raises(IdempotencyMismatch):
        await bed.turns.begin(replace(ASKED, text="And a store?"), key="once", address="192.0.2.1")
    others = [
        await bed.turns.begin(ASKED, key="once", address="192.0.2.2"),
        await bed.turns.begin(replace(ASKED, principal=ANNE), key="once", address="192.0.2.1"),
        await bed.turns.begin(replace(ASKED, principal=BEN), key="once", address="192.0.2.1"),
    ]
    assert len({first.turn_id, *(each.turn_id for each in others)}) == 4


async def test_a_key_that_is_anothers_is_followed_there(bed: Bed) -> None:
    """A worker that does not get the turn asks no model; both who asked here follow it elsewhere."""
    bed.others.claims, bed.others.events = False, [Started("c", "t"), Delta("Pure."), Done("answered")]
    both = await asyncio.gather(*(bed.turns.begin(ASKED, key="once") for _ in range(2)))
    assert [text(await read(each)) for each in both] == ["Pure.", "Pure."]
    assert [each.conversation_id for each in both] == ["c", "c"]
    assert bed.llm.prompts == []
    assert bed.index.queries == []


@pytest.mark.parametrize(("owner", "other"), [(ANNE, BEN), (ANNE, VISITOR), (BEN, Principal("operator", "operator"))])
async def test_an_accounts_turn_is_its_own(bed: Bed, owner: Principal, other: Principal) -> None:
    """For another there is no such turn, whatever it wants of it."""
    following = await bed.turns.begin(replace(ASKED, principal=owner))
    with pytest.raises(TurnNotFound):
        await bed.turns.follow(following.turn_id, other)
    with pytest.raises(TurnNotFound):
        await bed.turns.stop(following.turn_id, other)
    assert await bed.turns.follow_conversation(following.conversation_id, other) is None
    assert not await bed.turns.stop_conversation(following.conversation_id, other)
    assert await bed.turns.follow(following.turn_id, owner)


@pytest.mark.parametrize("other", [Principal("visitor", "w"), ANNE])
async def test_a_visitors_turn_is_for_who_knows_it(bed: Bed, other: Principal) -> None:
    """As its conversation is."""
    following = await bed.turns.begin(ASKED)
    assert await bed.turns.follow(following.turn_id, other)
    again = await bed.turns.follow_conversation(following.conversation_id, other)
    assert again is not None
    assert again.turn_id == following.turn_id
    assert await bed.turns.stop_conversation(following.conversation_id, other)
    assert (await bed.kept())[1:] == ("cancelled", "stopped")


async def test_a_position_from_the_future_is_refused(bed: Bed) -> None:
    """It is no position of this turn, and a reader that has it would wait for ever for what it has had."""
    following = await bed.turns.begin(ASKED)
    with pytest.raises(InvalidRequest):
        await bed.turns.follow(following.turn_id, VISITOR, position=bed.turn.position + 1)
    assert await bed.turns.follow(following.turn_id, VISITOR, position=bed.turn.position)


async def test_a_worker_that_closes_keeps_all_turns(store: SqlStore, knobs: Knobs) -> None:
    """Those without a reader too; none is left running."""
    bed = Bed(store, knobs)
    before = asyncio.all_tasks()
    following = [await bed.turns.begin(ASKED) for _ in range(3)]
    await bed.turns.close()
    assert bed.llm.open == 0
    assert asyncio.all_tasks() == before
    for each in following:
        assert (await store.turn(each.turn_id)).outcome == "cancelled"


async def test_a_listener_that_fails_harms_nobody_else(bed: Bed) -> None:
    """Its own reader gets the error; the turn and the other readers go on."""
    following = await bed.turns.begin(ASKED)
    other = asyncio.create_task(read(await bed.turns.follow(following.turn_id, VISITOR)))

    def broken(_: int, __: Event) -> bool:
        raise OSError("gone")

    async def listen() -> None:
        async with aclosing(following.batches(broken)) as batches:
            async for _ in batches:
                pass

    listening = asyncio.create_task(listen())
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(listening), 0.01)
    bed.llm.say("Pure.")
    bed.llm.end()
    with pytest.raises(OSError, match="gone"):
        await listening
    assert text(await other) == "Pure."

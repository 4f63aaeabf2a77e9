"""A turn whose parts sleep: what the reader hears meanwhile, and what is left when the reader or the worker goes.

Nothing here looks at a clock. With no patience at all (`waking_seconds=0`) a part is slow when it does not answer at
once, so exactly those that sleep are; a part sleeps until the test wakes it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat.sleepers import PARTS, Bed, Sleep, SleepyStore, failing, sleepy_ports
from tests.scripted import ScriptedLLM

from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.chat.draft import Draft, Question
from lectern.chat.pipeline import Knobs, answer
from lectern.chat.waiting import Waiting, Work
from lectern.errors import (
    ConversationNotFound,
    IndexUnavailable,
    StoreUnavailable,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.events import Degraded, Event, Failed, Waking
from lectern.ports import Ports, Turn

CONVERSATION = "6f2c1ac6-9f6e-4a57-8b61-111111111111"
FOLLOW_UP = Question("and why?", conversation_id=CONVERSATION)
EARLIER = Turn("t1", CONVERSATION, "What is a reducer?", "It is pure.", "answered", datetime(2026, 1, 2, tzinfo=UTC))
ASLEEP = Sleep(asleep=True)


@pytest.fixture
def hasty(knobs: Knobs) -> Knobs:
    """No patience at all."""
    return replace(knobs, waking_seconds=0)


async def read(bed: Bed, ports: Ports, knobs: Knobs, question: Question = FOLLOW_UP) -> list[Event]:
    """All events of a turn; each part is woken when the reader hears of it."""
    events: list[Event] = []
    async with aclosing(answer(Draft(question), ports, knobs)) as turn:
        async for event in turn:
            events.append(event)
            if isinstance(event, Waking):
                bed.wake(event.part)
    return events


def told(events: list[Event]) -> list[str]:
    """The events' names, of a `waking` and a `degraded` with its part."""
    return [f"{event.name} {event.part}" if isinstance(event, Waking | Degraded) else event.name for event in events]


def kept(ports: Ports) -> list[Turn]:
    """The turns that were saved."""
    assert isinstance(ports.store, SleepyStore)
    return [turn for turn in ports.store.turns if turn is not EARLIER]


async def test_a_sleeping_database_is_waited_for(hasty: Knobs) -> None:
    """A follow-up hears that the database wakes, then gets an answer that knows the conversation."""
    bed = Bed({"store": ASLEEP})
    ports = sleepy_ports(bed, EARLIER)
    events = await read(bed, ports, hasty)
    assert told(events) == ["started", "waking store", "sources", "delta", "delta", "done"]
    assert isinstance(ports.llm, ScriptedLLM)
    assert [message.content for message in ports.llm.prompts[0].messages[1:3]] == ["What is a reducer?", "It is pure."]


async def test_each_sleeping_part_is_told_once(hasty: Knobs) -> None:
    """In the order in which they are asked; nothing else of the turn changes."""
    bed = Bed(dict.fromkeys(PARTS, ASLEEP))
    events = await read(bed, sleepy_ports(bed, EARLIER), hasty)
    wakings = [f"waking {part}" for part in PARTS]
    assert told(events) == ["started", *wakings[:4], "sources", "waking llm", "delta", "delta", "done"]


async def test_parts_that_are_awake_pass_unmentioned(hasty: Knobs) -> None:
    """Who answers at once is not told of, however little patience there is."""
    bed = Bed({})
    assert told(await read(bed, sleepy_ports(bed, EARLIER), hasty)) == ["started", "sources", "delta", "delta", "done"]


async def test_a_patient_server_says_nothing(knobs: Knobs) -> None:
    """Within the patience nothing is sent before the sources: an early error still has its own status."""
    bed = Bed({"store": ASLEEP, "index": Sleep(asleep=True, error=IndexUnavailable())})
    turn = answer(Draft(FOLLOW_UP), sleepy_ports(bed, EARLIER), knobs)
    first = asyncio.create_task(_next(turn))
    while bed.asked != ["store"]:  # noqa: ASYNC110 - a port has no event for it
        await asyncio.sleep(0)
    bed.wake("store")
    bed.wake("index")
    with pytest.raises(IndexUnavailable):
        await first


async def test_a_database_that_does_not_wake_is_gone_without(hasty: Knobs) -> None:
    """The reader hears that it is waited for, and after that what became of it."""
    bed = Bed({"store": Sleep(asleep=True, error=StoreUnavailable())})
    events = await read(bed, sleepy_ports(bed, EARLIER), hasty)
    assert told(events) == ["started", "waking store", "sources", "degraded store", "delta", "delta", "done"]


async def test_an_error_after_the_start_is_an_event(hasty: Knobs) -> None:
    """What would have been a status is a `failed` now, and the turn, of which the reader has the id, is kept."""
    bed = Bed({"index": Sleep(asleep=True, error=IndexUnavailable())})
    ports = sleepy_ports(bed, EARLIER)
    events = await read(bed, ports, hasty)
    assert told(events) == ["started", "waking index", "failed"]
    assert events[-1] == Failed.of(IndexUnavailable())
    assert [(turn.question, turn.answer, turn.outcome) for turn in kept(ports)] == [("and why?", "", "failed")]


async def test_a_deleted_conversation_is_not_brought_back(hasty: Knobs) -> None:
    """A database that wakes only to say that there is no such conversation: nothing is kept in its name."""
    bed = Bed({"store": Sleep(asleep=True, error=ConversationNotFound())})
    ports = sleepy_ports(bed)
    assert told(await read(bed, ports, hasty)) == ["started", "waking store", "failed"]
    assert kept(ports) == []


async def test_a_stand_in_that_answers_at_once_wakes_nobody(hasty: Knobs) -> None:
    """An open breaker costs no wait, so nothing is said to wake."""
    bed = Bed({"llm": failing(UpstreamUnavailable())})
    events = await read(bed, sleepy_ports(bed, EARLIER, fallbacks=[QuotingLLM(MODEL_DOWN)]), hasty)
    assert told(events)[:4] == ["started", "sources", "degraded llm", "delta"]


async def test_models_that_sleep_are_one_language_model(hasty: Knobs) -> None:
    """The first sleeps and fails, the second speaks late: the reader hears of one wait, then who answers."""
    bed = Bed({"llm": Sleep(asleep=True, error=UpstreamTimeout())})
    second = ScriptedLLM("Pure [1].")
    events = await read(bed, sleepy_ports(bed, EARLIER, fallbacks=[second]), hasty)
    assert told(events) == ["started", "sources", "waking llm", "degraded llm", "delta", "done"]


async def test_a_pause_between_words_is_no_waking(hasty: Knobs) -> None:
    """After its first word a model is awake, however long the next one takes."""
    hold = asyncio.Event()
    bed = Bed({})
    ports = replace(sleepy_ports(bed, EARLIER), llm=ScriptedLLM("Reducers ", "are pure [1].", hold=hold))
    events: list[Event] = []
    async with aclosing(answer(Draft(FOLLOW_UP), ports, hasty)) as turn:
        async for event in turn:
            events.append(event)
            asyncio.get_running_loop().call_later(0.01, hold.set)
    assert told(events) == ["started", "sources", "delta", "delta", "done"]


@pytest.mark.parametrize("way", ["closed", "cancelled"])
@pytest.mark.parametrize("part", PARTS)
async def test_who_leaves_while_a_part_wakes_leaves_nothing_behind(hasty: Knobs, part: str, way: str) -> None:
    """The wait ends and cleans up, no task stays, and the turn that was started is kept as cancelled."""
    bed = Bed({part: ASLEEP})
    ports = sleepy_ports(bed, EARLIER)
    before = asyncio.all_tasks()
    waking = asyncio.Event()

    async def reader() -> None:
        async with aclosing(answer(Draft(FOLLOW_UP), ports, hasty)) as turn:
            async for event in turn:
                if isinstance(event, Waking):
                    waking.set()
                    if way == "closed":
                        return

    reading = asyncio.create_task(reader())
    await waking.wait()
    if way == "cancelled":
        await asyncio.sleep(0)  # it waits for the next event
        reading.cancel()
    await asyncio.wait({reading})
    assert asyncio.all_tasks() == before
    assert bed.cleaned_up == [part]
    assert [(turn.answer, turn.outcome) for turn in kept(ports)] == [("", "cancelled")]


@pytest.mark.parametrize("part", ["store", "embeddings", "index", "rerank"])
async def test_who_leaves_before_the_start_leaves_nothing_behind(knobs: Knobs, part: str) -> None:
    """Nothing was said, so nothing is kept; the wait ends all the same."""
    bed = Bed({part: ASLEEP})
    ports = sleepy_ports(bed, EARLIER)
    before = asyncio.all_tasks()
    reading = asyncio.create_task(read(bed, ports, knobs))
    while part not in bed.asked:  # noqa: ASYNC110 - a port has no event for it
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading})
    assert asyncio.all_tasks() == before
    assert bed.cleaned_up == [part]
    assert kept(ports) == []


async def test_a_scope_that_is_cancelled_waits_for_the_clean_up(hasty: Knobs) -> None:
    """Also under a scope that goes on cancelling whatever is awaited."""
    bed = Bed({"index": ASLEEP})
    ports = sleepy_ports(bed, EARLIER)
    before = asyncio.all_tasks()
    with anyio.CancelScope() as scope:
        async with aclosing(answer(Draft(FOLLOW_UP), ports, hasty)) as turn:
            async for event in turn:
                if isinstance(event, Waking):
                    scope.cancel()
    assert scope.cancelled_caught
    assert asyncio.all_tasks() == before
    assert bed.cleaned_up == ["index"]
    assert [turn.outcome for turn in kept(ports)] == ["cancelled"]


async def test_the_silence_is_shared_and_what_follows_is_not() -> None:
    """However many parts take a little each, the first word comes in time; after it each part has the whole time."""
    waiting = Waiting(60)
    waiting.on("store")
    first = waiting._timer
    waiting.on("index")
    assert waiting._timer is first
    waiting._slow()
    waiting.on("rerank")
    second = waiting._timer
    waiting.on("llm")
    third = waiting._timer
    assert second is not None
    assert third is not None
    assert (second.cancelled(), third.cancelled()) == (True, False)
    async with Work(asyncio.sleep(0), waiting) as work:
        assert await work.slow() == Waking("index")
        assert await work.slow() is None
    assert third.cancelled()


async def test_who_is_cancelled_twice_waits_no_longer() -> None:
    """A worker at its very end cancels again: that reaches the clean-up too, and still no task stays."""
    before = asyncio.all_tasks()
    cancelled: list[str] = []
    cleaning = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append("work")
            cleaning.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append("clean-up")

    async def turn() -> None:
        async with Work(stubborn(), Waiting(60)) as work:
            await work.slow()

    running = asyncio.create_task(turn())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await cleaning.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert cancelled == ["work", "clean-up"]
    assert asyncio.all_tasks() == before


SLEEPS = st.builds(
    Sleep,
    asleep=st.booleans(),
    error=st.sampled_from([None, None, StoreUnavailable(), IndexUnavailable(), UpstreamTimeout(), ZeroDivisionError()]),
)


@given(
    sleeps=st.fixed_dictionaries(dict.fromkeys(PARTS, SLEEPS)),
    patient=st.booleans(),
    follow_up=st.booleans(),
    stands_in=st.booleans(),
    breaks=st.booleans(),
)
def test_whatever_sleeps_or_fails_the_sequence_is_legal(
    sleeps: dict[str, Sleep], *, patient: bool, follow_up: bool, stands_in: bool, breaks: bool
) -> None:
    """One `started`, `waking` only before sources and words, one `sources`, one end; or an error and no event."""
    events: list[Event] = []
    bed = Bed(sleeps)
    if patient:
        for part in PARTS:
            bed.wake(part)
    pieces: list[str | Exception] = ["Reducers ", UpstreamTimeout()] if breaks else ["Reducers ", "are pure [1]."]
    ports = sleepy_ports(bed, EARLIER, fallbacks=[QuotingLLM(MODEL_DOWN)] if stands_in else [], pieces=pieces)
    knobs = Knobs(
        passages=5, history_turns=6, prompt_tokens=2000, min_confidence=0.3, waking_seconds=0, rules="The rules."
    )

    async def run() -> None:
        before = asyncio.all_tasks()
        try:
            events.extend(await read(bed, ports, knobs, FOLLOW_UP if follow_up else Question("What is a reducer?")))
        finally:
            assert asyncio.all_tasks() == before

    try:
        asyncio.run(run())
    except (IndexUnavailable, StoreUnavailable, UpstreamTimeout, ZeroDivisionError):
        assert events == []
        assert kept(ports) == []
        return
    names = [event.name for event in events]
    assert names[0] == "started"
    assert names.count("started") == 1
    assert names.count("sources") <= 1
    assert "sources" in names or names[-1] == "failed"
    assert [name for name in names if name in {"done", "failed"}] == names[-1:]
    spoken = names.index("delta") if "delta" in names else len(names)
    shown = names.index("sources") if "sources" in names else spoken
    assert shown <= spoken
    wakings = [(at, event.part) for at, event in enumerate(events) if isinstance(event, Waking)]
    assert all(at < spoken for at, _ in wakings)
    assert all((at < shown) == (part != "llm") for at, part in wakings)
    assert len({part for _, part in wakings}) == len(wakings)
    assert {part for _, part in wakings} == {part for part in bed.asked if sleeps[part].asleep and not patient}
    [turn] = kept(ports)
    assert turn.outcome == {"done": "answered", "failed": "failed"}[names[-1]]


async def _next(turn: AsyncGenerator[Event, None]) -> Event:
    return await anext(turn)

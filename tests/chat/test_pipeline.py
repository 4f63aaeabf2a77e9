"""One turn, from question to saved answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.scripted import FailingEmbeddings, FailingStore, FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.chat.draft import Draft, Question
from lectern.chat.pipeline import Knobs, answer
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IndexUnavailable,
    LecternError,
    LoginUnavailable,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.events import Degraded, Delta, Done, Event, Failed, Sources, Started
from lectern.ports import LLM, Completion, Embeddings, Hits, Ports, Prompt, Store, Turn
from lectern.principal import Principal

NEVER = datetime(2026, 1, 2, tzinfo=UTC)
FOUND = hits(passage(1, "Reducers are pure."), passage(2, "Stores hold state."))


def ports(
    store: Store,
    llm: LLM,
    *,
    found: Hits | LecternError = FOUND,
    fallback: LLM | None = None,
    embeddings: Embeddings | None = None,
) -> Ports:
    """Ports of the test's choice."""
    return Ports(
        store=store,
        index=FixedIndex(found),
        llm=llm,
        fallback_llms=(fallback,) if fallback else (),
        embeddings=embeddings,
    )


async def run(question: Question, ports: Ports, knobs: Knobs) -> list[Event]:
    """All events of a turn."""
    async with aclosing(answer(Draft(question), ports, knobs)) as events:
        return [event async for event in events]


def names(events: Sequence[Event]) -> list[str]:
    """The events' names, runs of deltas as one."""
    found = [event.name for event in events]
    return [name for at, name in enumerate(found) if not (name == "delta" and at and found[at - 1] == "delta")]


def text(events: Sequence[Event]) -> str:
    """The answer."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def conversation(events: Sequence[Event]) -> str:
    """The conversation's id."""
    assert isinstance(events[0], Started)
    return events[0].conversation_id


async def test_a_turn_is_started_sourced_told_and_done(store: SqlStore, knobs: Knobs) -> None:
    """The events come in their order, the answer cites only its sources, and the turn is kept as it was told."""
    llm = ScriptedLLM("Reducers are ", "pure [1]", " and fast [7].")
    events = await run(Question("What is a reducer?"), ports(store, llm), knobs)
    assert names(events) == ["started", "sources", "delta", "done"]
    assert text(events) == "Reducers are pure [1] and fast ."
    sources = events[1]
    assert isinstance(sources, Sources)
    assert sources.sources[0].href == "https://docs.example/page-1#part"
    (turn,) = await store.history(conversation(events), limit=9)
    assert (turn.question, turn.answer, turn.outcome) == ("What is a reducer?", text(events), "answered")
    assert turn.sources[0]["href"] == "https://docs.example/page-1#part"
    assert turn.usage == {"prompt_tokens": 100, "completion_tokens": 3}
    assert set(turn.timings) == {"retrieved", "first_token", "total"}


async def test_nothing_relevant_is_said_not_invented(store: SqlStore, knobs: Knobs) -> None:
    """Below the confidence the model is not asked; the reader gets the nearest pages."""
    llm = ScriptedLLM("An invention.")
    events = await run(Question("Who won the cup?"), ports(store, llm, found=hits(passage(1), confidence=0.1)), knobs)
    assert llm.prompts == []
    assert text(events).startswith("I couldn't find an answer to this on this site. The nearest pages are:")
    assert "[Page 1 › Part](https://docs.example/page-1#part) [1]" in text(events)
    done = events[-1]
    assert isinstance(done, Done)
    assert done.outcome == "not_found"
    (turn,) = await store.history(conversation(events), limit=9)
    assert turn.outcome == "not_found"


async def test_an_empty_index_says_so_without_pages(store: SqlStore, knobs: Knobs) -> None:
    """With no passage at all, there is no list of nearest pages."""
    events = await run(Question("Anything?"), ports(store, ScriptedLLM("x"), found=hits(confidence=0)), knobs)
    assert text(events) == "I couldn't find an answer to this on this site."


async def test_a_follow_up_is_searched_with_the_question_before_it(store: SqlStore, knobs: Knobs) -> None:
    """A follow-up goes on in its conversation: its search knows the topic, its prompt the earlier turn."""
    llm = ScriptedLLM("Pure [1].")
    leaning = ports(store, llm)
    first = await run(Question("What is a reducer in Redux?"), leaning, knobs)
    await run(Question("and why?", conversation_id=conversation(first)), leaning, knobs)
    assert isinstance(leaning.index, FixedIndex)
    assert leaning.index.queries[1] == "and why?\nWhat is a reducer in Redux?"
    said = [(message.role, message.content) for message in llm.prompts[1].messages[1:3]]
    assert said == [("user", "What is a reducer in Redux?"), ("assistant", "Pure [1].")]
    assert len(await store.history(conversation(first), limit=9)) == 2


async def test_an_unknown_conversation_is_refused_before_anything_is_sent(store: SqlStore, knobs: Knobs) -> None:
    """The error comes instead of the first event, and nothing is searched, said or kept."""
    llm = ScriptedLLM("x")
    refused = ports(store, llm)
    with pytest.raises(ConversationNotFound):
        await run(Question("and?", conversation_id="6f2c1ac6-9f6e-4a57-8b61-111111111111"), refused, knobs)
    assert isinstance(refused.index, FixedIndex)
    assert refused.index.queries == []


async def test_without_an_index_there_is_no_first_event(store: SqlStore, knobs: Knobs) -> None:
    """An index that cannot be read is an error with a status, not half a stream."""
    with pytest.raises(IndexUnavailable):
        await run(Question("x y z"), ports(store, ScriptedLLM("x"), found=IndexUnavailable()), knobs)


async def test_embeddings_down_means_searching_by_words(store: SqlStore, knobs: Knobs) -> None:
    """The answer comes all the same, and says what could not be used."""
    lexical = ports(store, ScriptedLLM("Yes [1]."), embeddings=FailingEmbeddings(UpstreamTimeout()))
    events = await run(Question("What is a reducer?"), lexical, knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "done"]
    assert Degraded("embeddings", "upstream_timeout") in events
    assert isinstance(lexical.index, FixedIndex)
    assert lexical.index.vectors == [None]
    (turn,) = await store.history(conversation(events), limit=9)
    assert turn.degraded == {"embeddings": "upstream_timeout"}


async def test_an_index_that_was_stood_in_for_is_said(store: SqlStore, knobs: Knobs) -> None:
    """The answer comes from the index that could be searched, marked degraded, and is kept so."""
    found = replace(FOUND, degraded=IndexUnavailable())
    events = await run(Question("What is a reducer?"), ports(store, ScriptedLLM("Yes [1]."), found=found), knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "done"]
    assert Degraded("index", "index_unavailable") in events
    (turn,) = await store.history(conversation(events), limit=9)
    assert turn.degraded == {"index": "index_unavailable"}


async def test_a_model_that_fails_before_its_first_word_is_stood_in_for(store: SqlStore, knobs: Knobs) -> None:
    """Quoted passages, marked degraded, instead of an error."""
    down = ScriptedLLM(UpstreamUnavailable())
    events = await run(Question("What is a reducer?"), ports(store, down, fallback=QuotingLLM(MODEL_DOWN)), knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "done"]
    assert text(events).startswith(MODEL_DOWN)
    assert "> Reducers are pure." in text(events)
    assert "[Page 1 › Part](https://docs.example/page-1#part) [1]" in text(events)


async def test_a_second_model_is_asked_before_passages_are_quoted(store: SqlStore, knobs: Knobs) -> None:
    """One `degraded` names why the first failed and what answers instead."""
    down, second = ScriptedLLM(UpstreamTimeout()), ScriptedLLM("Pure [1].")
    chain = Ports(store, FixedIndex(FOUND), down, fallback_llms=(second, QuotingLLM(MODEL_DOWN)))
    events = await run(Question("What is a reducer?"), chain, knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "done"]
    assert events[2] == Degraded("llm", "upstream_timeout", used="scripted")
    assert text(events) == "Pure [1]."


async def test_when_all_models_are_down_passages_are_quoted(store: SqlStore, knobs: Knobs) -> None:
    """Still one `degraded`: the first model's reason, and that quoting answers."""
    models = ScriptedLLM(UpstreamTimeout()), ScriptedLLM(UpstreamUnavailable())
    chain = Ports(store, FixedIndex(FOUND), models[0], fallback_llms=(models[1], QuotingLLM(MODEL_DOWN)))
    events = await run(Question("What is a reducer?"), chain, knobs)
    assert [event for event in events if isinstance(event, Degraded)] == [
        Degraded("llm", "upstream_timeout", used="quoting")
    ]
    assert text(events).startswith(MODEL_DOWN)
    assert [len(model.prompts) for model in models] == [1, 1]


async def test_a_second_model_that_breaks_is_not_started_over(store: SqlStore, knobs: Knobs) -> None:
    """After its first word its failure ends the turn, as the first one's would."""
    broken = ScriptedLLM("Reducers ", UpstreamUnavailable())
    chain = Ports(store, FixedIndex(FOUND), ScriptedLLM(UpstreamTimeout()), fallback_llms=(broken, QuotingLLM()))
    events = await run(Question("What is a reducer?"), chain, knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "failed"]


async def test_an_empty_answer_is_a_failure(store: SqlStore, knobs: Knobs) -> None:
    """A model that says nothing is stood in for as one that fails."""
    events = await run(Question("What is a reducer?"), ports(store, ScriptedLLM(), fallback=QuotingLLM()), knobs)
    assert Degraded("llm", "upstream_unavailable", used="quoting") in events
    assert events[-1].name == "done"


async def test_after_the_first_word_a_failure_ends_the_turn(store: SqlStore, knobs: Knobs) -> None:
    """No second model starts over in the middle: one `failed`, and what was said is kept as failed."""
    broken = ScriptedLLM("Reducers ", "are", UpstreamTimeout())
    events = await run(Question("What is a reducer?"), ports(store, broken, fallback=QuotingLLM()), knobs)
    assert names(events) == ["started", "sources", "delta", "failed"]
    assert isinstance(events[-1], Failed)
    assert events[-1].retryable
    (turn,) = await store.history(conversation(events), limit=9)
    assert (turn.answer, turn.outcome) == ("Reducers are", "failed")


async def test_a_defect_ends_the_turn_without_its_text(store: SqlStore, knobs: Knobs) -> None:
    """An unforeseen exception becomes one `failed` that tells nothing about our insides."""
    events = await run(
        Question("What is a reducer?"), ports(store, ScriptedLLM("a", ZeroDivisionError("secret"))), knobs
    )
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "internal_error"
    assert "secret" not in failed.message


async def test_a_store_that_is_down_does_not_stop_the_answer(knobs: Knobs) -> None:
    """The reader gets the answer; that history could be neither read nor kept is said."""
    question = Question("and why is that so?", conversation_id="6f2c1ac6-9f6e-4a57-8b61-111111111111")
    events = await run(question, ports(FailingStore(), ScriptedLLM("Yes [1].")), knobs)
    assert names(events) == ["started", "sources", "degraded", "delta", "degraded", "done"]
    assert events.count(Degraded("store", "store_unavailable")) == 2


@pytest.mark.parametrize("way", ["closed", "cancelled"])
async def test_a_reader_who_leaves_loses_nothing(store: SqlStore, knobs: Knobs, way: str) -> None:
    """What was said until then is kept, marked cancelled, and the model is stopped."""
    llm = ScriptedLLM("Reducers ", "are pure.", hold=asyncio.Event())
    events = answer(Draft(Question("What is a reducer?")), ports(store, llm), knobs)
    seen: list[Event] = []
    spoke = asyncio.Event()

    async def read() -> None:
        async with aclosing(events):
            async for event in events:
                seen.append(event)
                if isinstance(event, Delta):
                    spoke.set()
                if way == "closed" and isinstance(event, Delta):
                    return

    reader = asyncio.create_task(read())
    await spoke.wait()
    if way == "cancelled":
        reader.cancel()
    await asyncio.wait([reader])
    assert llm.open == 0
    (turn,) = await store.history(conversation(seen), limit=9)
    assert (turn.answer, turn.outcome) == ("Reducers ", "cancelled")


async def test_a_client_may_send_the_earlier_turns_along(store: SqlStore, knobs: Knobs) -> None:
    """They stand in the prompt and in the search, the latest as many as are seen; the store's are not read."""
    llm = ScriptedLLM("Yes.")
    asked = ports(store, llm)
    earlier = [Turn("", "", f"What is reducer {number}?", "Pure.", "answered", NEVER) for number in range(9)]
    await run(Question("and why?", history=earlier), asked, knobs)
    said = [message.content for message in llm.prompts[0].messages if message.role == "user"]
    assert said[:-1] == [f"What is reducer {number}?" for number in range(3, 9)]
    assert isinstance(asked.index, FixedIndex)
    assert asked.index.queries == ["and why?\nWhat is reducer 8?"]


async def test_a_client_may_name_a_new_conversation(store: SqlStore, knobs: Knobs) -> None:
    """It is begun under its id, gone on with later, and still nobody else's."""
    named, anne = "6f2c1ac6-9f6e-4a57-8b61-111111111111", Principal("user", "anne")
    for text_ in ("What is a reducer?", "and why?"):
        question = Question(text_, conversation_id=named, opens=True, principal=anne, history=())
        events = await run(question, ports(store, ScriptedLLM("Pure.")), knobs)
        assert (conversation(events), names(events)[-1]) == (named, "done")
    kept = await store.history(named, limit=9, principal_id=anne.id)
    assert [turn.question for turn in kept] == ["What is a reducer?", "and why?"]
    with pytest.raises(Forbidden):
        await run(replace(question, principal=Principal("user", "ben")), ports(store, ScriptedLLM("x")), knobs)


async def test_a_named_conversation_is_begun_while_the_store_is_down(knobs: Knobs) -> None:
    """Whether it is there cannot be asked; what is kept later may begin it or go on with it."""
    named = "6f2c1ac6-9f6e-4a57-8b61-111111111111"
    for opens in (True, False):
        draft = Draft(Question("and why?", conversation_id=named, opens=opens))
        async with aclosing(answer(draft, ports(FailingStore(), ScriptedLLM("Yes.")), knobs)) as events:
            assert [event.name async for event in events][-1] == "done"
        assert draft.turn("answered").begins is opens


async def test_a_clients_instructions_stand_below_the_rules(store: SqlStore, knobs: Knobs) -> None:
    """In the system's message, after the rules, which say that they prevail."""
    llm = ScriptedLLM("Yes.")
    await run(Question("What is a reducer?", instructions="Answer in rhymes."), ports(store, llm), knobs)
    system = llm.prompts[0].messages[0].content
    assert system.startswith(knobs.rules)
    assert system.endswith("Answer in rhymes.")


class Interrupted(ScriptedLLM):
    """Something happens to the conversation between its first word and its second."""

    def __init__(self, happening: Callable[[], Awaitable[object]]) -> None:
        super().__init__("Reducers ", "are pure.")
        self.happening = happening

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Play the script."""
        async for piece in super().stream(prompt):
            yield piece
            if piece == "Reducers ":
                await self.happening()


async def test_a_conversation_deleted_meanwhile_stays_deleted(store: SqlStore, knobs: Knobs) -> None:
    """The turn that was under way ends with an event that says so, and does not bring it back."""
    first = await run(Question("What is a reducer?"), ports(store, ScriptedLLM("Pure.")), knobs)
    llm = Interrupted(lambda: store.delete_conversation(conversation(first)))
    events = await run(Question("and why?", conversation_id=conversation(first)), ports(store, llm), knobs)
    assert names(events) == ["started", "sources", "delta", "failed"]
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "conversation_not_found"
    with pytest.raises(ConversationNotFound):
        await store.history(conversation(first), limit=1)


async def test_a_conversation_claimed_meanwhile_gets_no_turn_of_another(store: SqlStore, knobs: Knobs) -> None:
    """Of two who go on with a visitor's conversation, the one whose answer ends later is told, and keeps nothing."""
    first = await run(Question("What is a reducer?"), ports(store, ScriptedLLM("Pure.")), knobs)
    anne, ben = (Question("and?", conversation_id=conversation(first), principal=Principal("user", x)) for x in "ab")
    llm = Interrupted(lambda: run(anne, ports(store, ScriptedLLM("Pure.")), knobs))
    events = await run(ben, ports(store, llm), knobs)
    assert isinstance(events[-1], Failed)
    assert (events[-1].code, events[-1].retryable) == ("forbidden", False)
    assert len(await store.history(conversation(first), limit=9, principal_id=anne.principal_id)) == 2


@pytest.mark.parametrize("broken", [UpstreamTimeout(), None], ids=["failed", "left"])
async def test_a_turn_cut_off_in_a_deleted_conversation_ends_as_it_would(
    store: SqlStore, knobs: Knobs, broken: LecternError | None
) -> None:
    """That it cannot be kept changes neither the failure that is told nor how a reader leaves."""
    first = await run(Question("What is a reducer?"), ports(store, ScriptedLLM("Pure.")), knobs)
    session = conversation(first)
    llm = ScriptedLLM("Reducers ", broken or "are pure.", hold=asyncio.Event())
    seen: list[Event] = []
    async with aclosing(answer(Draft(Question("and?", conversation_id=session)), ports(store, llm), knobs)) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, Delta):
                await store.delete_conversation(session)
                assert llm.hold is not None
                llm.hold.set()
                if broken is None:
                    break
    assert seen[-1].name == ("failed" if broken else "delta")
    assert not isinstance(seen[-1], Failed) or seen[-1].code == "upstream_timeout"
    with pytest.raises(ConversationNotFound):
        await store.history(session, limit=1)


async def test_who_cannot_be_told_after_the_first_event_is_told_why(knobs: Knobs) -> None:
    """Once a reader knows which conversation it is, it is not exchanged: the failure is the login server's."""

    class Slow(FailingStore):
        async def history(self, conversation_id: str, *, limit: int, principal_id: str | None = None) -> list[Turn]:
            await asyncio.sleep(0.05)
            raise Forbidden

    question = Question("and?", conversation_id="6f2c1ac6-9f6e-4a57-8b61-111111111111", trouble=LoginUnavailable())
    events = await run(question, ports(Slow(), ScriptedLLM("x")), replace(knobs, waking_seconds=0.01))
    assert names(events) == ["started", "waking", "failed"]
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "login_unavailable"

"""Guarded ports: the language model's against a real HTTP server that counts what reaches it, the others scripted."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from tests.scripted import FailingDatabase, FailingEmbeddings, FixedIndex, ScriptedLLM, hits, passage
from tests.stub_process import Stub

from lectern.adapters.guarded import GuardedDatabase, GuardedEmbeddings, GuardedIndex, GuardedLLM
from lectern.adapters.openai_llm import OpenAILLM
from lectern.adapters.provider import Provider
from lectern.adapters.sql_statements import revision
from lectern.adapters.sql_store import SqlStore
from lectern.errors import (
    IndexUnavailable,
    LecternError,
    StoreUnavailable,
    TooBusy,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.ports import Completion, Message, Prompt, Tool, ToolCall, Turn
from lectern.resilience import deadline
from lectern.resilience.bulkhead import Bulkhead
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line
from lectern.resilience.window import Rules
from lectern.serving.circuits import CircuitTable

PROMPT = Prompt("Why?", (), (Message("user", "Why?"),))
LONG = Rules(open=50, most_open=50)
SHORT = Rules(open=0.05, most_open=0.05)

Make = Callable[..., GuardedLLM]


def line(*, retries: int = 0, most: int = 100, unavailable: type[LecternError] = UpstreamUnavailable) -> Line:
    """A line whose retries do not wait."""
    bulkhead = Bulkhead(most, queue=0, wait_seconds=1)
    return Line(bulkhead, unavailable=unavailable, retries=retries, dice=lambda: 0.0)


@pytest.fixture
async def make(stub: Stub) -> AsyncGenerator[Make, None]:
    """Makes guarded models of the stub."""
    providers: list[Provider] = []

    def make(model: str, *, rules: Rules = LONG, retries: int = 0, first: float = 5, token: float = 5) -> GuardedLLM:
        providers.append(Provider(base_url=stub.base_url, api_key="sk-secret", connect_timeout_seconds=30))
        llm = OpenAILLM(providers[-1], model=model, first_token_timeout_seconds=first, token_timeout_seconds=token)
        return GuardedLLM(llm, line(retries=retries), Circuit("llm", "answer", rules))

    yield make
    for provider in providers:
        await provider.close()


async def ask(llm: GuardedLLM) -> str:
    """A whole answer."""
    return "".join([item async for item in llm.stream(PROMPT) if isinstance(item, str)])


async def _rest(items: AsyncGenerator[str | Completion, None]) -> None:
    """Read to the end."""
    async for _ in items:
        pass


async def outcome(llm: GuardedLLM) -> str:
    """`ok`, or the code of the error."""
    try:
        await ask(llm)
    except LecternError as error:
        return error.code
    return "ok"


def asked(stub: Stub, model: str) -> int:
    """How many requests reached a model."""
    return int(stub.stats()["requests"].get(model, 0))


async def test_an_answer_passes_unchanged(make: Make) -> None:
    """Pieces and completion come as the model sent them."""
    *pieces, completion = [item async for item in make("stub-len5-itl20").stream(PROMPT)]
    assert "".join(map(str, pieces)) == "You asked: Why?."
    assert isinstance(completion, Completion)


@pytest.mark.parametrize(
    "fault", ["fail500", "fail429-retry30", "fail503-retry30", "reset", "html", "okerror", "garbage0"]
)
async def test_an_open_breaker_sends_no_request(stub: Stub, make: Make, fault: str) -> None:
    """After five failures the rest of a hundred readers is answered at once, and the provider hears nothing."""
    model = f"stub-{fault}-tagopen"
    llm = make(model)
    assert [await outcome(llm) for _ in range(100)] == ["upstream_unavailable"] * 100
    assert asked(stub, model) == 5
    assert llm._circuit.describe().state == "open"
    assert llm.describe().state == "down"


async def test_timeouts_open_it_too(stub: Stub, make: Make) -> None:
    """A provider that accepts and never answers is left alone after five tries."""
    llm = make("stub-hang-tagopen", first=0.2)
    assert await asyncio.gather(*(outcome(llm) for _ in range(5))) == ["upstream_timeout"] * 5
    heard = asked(stub, "stub-hang-tagopen")
    assert [await outcome(llm) for _ in range(20)] == ["upstream_unavailable"] * 20
    assert asked(stub, "stub-hang-tagopen") == heard
    await stub.until(open=0)


async def test_a_wrong_key_is_asked_with_once_a_call_and_opens_nothing(stub: Stub, make: Make) -> None:
    """401 is not retried, and the next reader's request goes out all the same."""
    llm = make("stub-fail401-tagguard", retries=3)
    assert [await outcome(llm) for _ in range(20)] == ["upstream_rejected"] * 20
    assert asked(stub, "stub-fail401-tagguard") == 20
    state = llm._circuit.describe()
    assert (state.state, state.rejected) == ("closed", True)
    assert llm.describe().note == "status 401"


async def test_a_failure_before_the_first_token_is_retried_once(stub: Stub, make: Make) -> None:
    """The reader does not notice."""
    llm = make("stub-flaky2-fail500-len3-tagretry", retries=1)
    assert await outcome(llm) == "ok"
    assert [await outcome(llm) for _ in range(3)] == ["ok"] * 3
    assert asked(stub, "stub-flaky2-fail500-len3-tagretry") == 7


async def test_after_the_first_token_nothing_is_retried(stub: Stub, make: Make) -> None:
    """An answer that breaks is told as broken; the provider is asked once."""
    llm = make("stub-reset3-itl5-tagretry", retries=3)
    async with aclosing(llm.stream(PROMPT)) as items:
        assert await anext(items) == "You"
        with pytest.raises(UpstreamUnavailable):
            await asyncio.wait_for(_rest(items), 10)
    assert asked(stub, "stub-reset3-itl5-tagretry") == 1
    assert llm._circuit.describe().failure_count == 1


async def test_retries_are_capped_by_their_budget(stub: Stub, make: Make) -> None:
    """Fifty failing calls with three retries each ask 20 % more, not four times as much."""
    llm = make("stub-fail500-tagbudget", rules=Rules(consecutive=1000, minimum=1000), retries=3)
    assert [await outcome(llm) for _ in range(50)] == ["upstream_unavailable"] * 50
    assert 50 < asked(stub, "stub-fail500-tagbudget") <= 60


async def test_retry_after_is_honoured(stub: Stub, make: Make) -> None:
    """A second asked for is a second waited, then the answer comes."""
    llm = make("stub-flaky2-fail429-retry1-len3-tagafter", retries=1)
    assert await outcome(llm) == "ok"
    began = asyncio.get_running_loop().time()
    assert await outcome(llm) == "ok"
    assert asyncio.get_running_loop().time() - began >= 1
    assert llm._circuit.describe().changed_seconds_ago is None


async def test_a_request_that_is_late_gets_less(make: Make) -> None:
    """What history and retrieval have used is not there for the model, however generous its own limits are."""
    token = deadline.start(deadline.RESERVE_SECONDS + 0.3)
    began = asyncio.get_running_loop().time()
    try:
        assert await outcome(make("stub-hang", first=100)) == "upstream_timeout"
        assert await outcome(make("stub-len5")) == "upstream_unavailable"  # not even begun
    finally:
        deadline.end(token)
    assert asyncio.get_running_loop().time() - began < 5


async def test_it_recovers_by_the_next_request(stub: Stub, make: Make) -> None:
    """Every second request fails; a breaker that opened by them closes by the first that does not."""
    llm = make("stub-flaky2-fail500-len3-tagrecover", rules=Rules(consecutive=1, open=0.05, most_open=0.05))
    assert [await outcome(llm) for _ in range(2)] == ["ok", "upstream_unavailable"]
    assert await outcome(llm) == "upstream_unavailable"
    await asyncio.sleep(0.1)
    assert await outcome(llm) == "ok"
    assert llm.describe().state == "ok"
    assert asked(stub, "stub-flaky2-fail500-len3-tagrecover") == 3


@pytest.mark.parametrize("when", ["before", "after"])
async def test_readers_who_leave_are_not_held_against_the_model(stub: Stub, make: Make, when: str) -> None:
    """Twenty readers who go before or after the first token open nothing, and the provider stops."""
    llm = make("stub-hang" if when == "before" else "stub-itl60000", first=100, token=100)

    async def read() -> None:
        async with aclosing(llm.stream(PROMPT)) as items:
            async for _ in items:
                pass

    await stub.until(open=0)
    readers = [asyncio.create_task(read()) for _ in range(20)]
    await stub.until(open=20)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    await stub.until(open=0)
    assert llm._circuit.describe().changed_seconds_ago is None


async def test_a_probe_whose_reader_leaves_lets_the_next_one_probe() -> None:
    """Half open never sticks on a cancelled call."""
    llm = ScriptedLLM(UpstreamTimeout())
    guarded = GuardedLLM(llm, line(), Circuit("llm", "answer", SHORT))
    for _ in range(5):
        assert await outcome(guarded) == "upstream_timeout"
    await asyncio.sleep(0.06)
    hold = asyncio.Event()
    guarded._llm = HangingLLM(hold)
    reader = asyncio.create_task(outcome(guarded))
    await hold.wait()
    assert await outcome(guarded) == "upstream_unavailable"
    reader.cancel()
    await asyncio.wait([reader])
    guarded._llm = ScriptedLLM("Well.")
    assert await outcome(guarded) == "ok"


class HangingLLM(ScriptedLLM):
    """Says nothing; tells when it is asked."""

    def __init__(self, asked: asyncio.Event) -> None:
        super().__init__()
        self.asked = asked

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Hang."""
        self.asked.set()
        await asyncio.Event().wait()
        yield ""


async def test_an_empty_answer_counts_as_a_failure() -> None:
    """A model that says nothing is down, as far as readers can tell."""
    guarded = GuardedLLM(ScriptedLLM(), line(), Circuit("llm", "answer", LONG))
    for _ in range(5):
        assert await outcome(guarded) == "upstream_unavailable"
    assert guarded._circuit.describe().state == "open"


async def test_an_answer_that_only_asks_for_tools_is_an_answer(stub: Stub, make: Make) -> None:
    """Its first token is one of a call: the circuit is well, and the reader gets the calls and no empty text."""
    llm = make("stub-tools-flaky2-tagguard", retries=1)
    tool = Tool("add_task", "", {"type": "object"})
    asking = Prompt("x", (), (Message("user", "call add_task {}"),), (tool,))
    for _ in range(2):  # every second request fails, and is made again
        [completion] = [item async for item in llm.stream(asking)]
        assert isinstance(completion, Completion)
        assert [call.name for call in completion.tool_calls] == ["add_task"]
    assert asked(stub, "stub-tools-flaky2-tagguard") == 3
    assert llm._circuit.describe().well
    broken = make("stub-tools-reset1-itl5-tagguard", retries=3)
    with pytest.raises(UpstreamUnavailable):
        await anext(broken.stream(asking))
    assert asked(stub, "stub-tools-reset1-itl5-tagguard") == 1
    assert broken._circuit.describe().failure_count == 1


class CallingLLM(ScriptedLLM):
    """Asks for a tool at once."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Ask."""
        yield Completion(tool_calls=(ToolCall("a", prompt.question, "{}"),))


async def test_calls_of_a_model_that_tells_no_beginning() -> None:
    """A completion with calls may be all that there is."""
    guarded = GuardedLLM(CallingLLM(), line(), Circuit("llm", "answer", LONG))
    items = [item async for item in guarded.stream(PROMPT)]
    assert items == [Completion(tool_calls=(ToolCall("a", "Why?", "{}"),))]
    assert guarded._circuit.describe().well


async def test_a_full_bulkhead_is_no_failure_of_the_model() -> None:
    """One answer too many is refused; the circuit has seen nothing."""
    hold = asyncio.Event()
    guarded = GuardedLLM(ScriptedLLM("a", "b", hold=hold), line(most=1), Circuit("llm", "answer", LONG))
    async with aclosing(guarded.stream(PROMPT)) as items:
        assert await anext(items) == "a"
        with pytest.raises(TooBusy):
            await ask(guarded)
    assert guarded._circuit.describe().changed_seconds_ago is None
    hold.set()
    assert await ask(guarded) == "ab"


async def test_embeddings_behind_their_line() -> None:
    """Timeouts open their circuit; a refusal does not."""
    guarded = GuardedEmbeddings(FailingEmbeddings(UpstreamTimeout()), line(), Circuit("embeddings", "embed", LONG))
    for _ in range(5):
        with pytest.raises(UpstreamTimeout):
            await guarded.embed(["x"], purpose="query")
    with pytest.raises(UpstreamUnavailable):
        await guarded.embed(["x"], purpose="query")
    refused = GuardedEmbeddings(FailingEmbeddings(UpstreamRejected()), line(), Circuit("embeddings", "embed", LONG))
    for _ in range(9):
        with pytest.raises(UpstreamRejected):
            await refused.embed(["x"], purpose="query")
    assert refused.model == "failing"
    assert guarded.describe().state == refused.describe().state == "down"


async def test_an_index_behind_its_line() -> None:
    """Searches pass; failures are retried once, and in a row they open the circuit."""
    well = GuardedIndex(FixedIndex(hits(passage(1))), line(), Circuit("index", "search", LONG))
    assert (await well.search("x", limit=1)).passages == (passage(1),)
    assert await well.sites() == {"docs": 1}
    assert await well.document("docs", "/") is None
    assert await well.pages() == ()
    broken = FixedIndex(IndexUnavailable())
    guarded = GuardedIndex(broken, line(retries=1, unavailable=IndexUnavailable), Circuit("index", "search", LONG))
    for _ in range(9):
        with pytest.raises(IndexUnavailable):
            await guarded.search("x")
    assert len(broken.queries) == 5


async def test_a_part_is_what_all_workers_know_of_it() -> None:
    """A worker that saw a failure believes a later success elsewhere, and one that saw none believes the failure."""
    table = CircuitTable()
    table.reserve(1)
    table.enter(1)
    here, there = (Circuit("embeddings", "embed", LONG, shared=table) for _ in range(2))
    failing = GuardedEmbeddings(FailingEmbeddings(UpstreamTimeout()), line(), here)
    well = ScriptedLLM("Well.")
    with pytest.raises(UpstreamTimeout):
        await failing.embed(["x"], purpose="query")
    assert (failing.describe().state, GuardedLLM(well, line(), there).describe().note) == (
        "down",
        "failed in another worker",
    )
    assert await outcome(GuardedLLM(well, line(), there)) == "ok"
    assert failing.describe().state == "ok"
    reads, writes = Circuit("database", "read", LONG), Circuit("database", "write", LONG)
    store = GuardedDatabase(FailingDatabase(), line(unavailable=StoreUnavailable), reads=reads, writes=writes)
    for circuit, verdict in ((reads, "failed"), (writes, "failed"), (writes, "succeeded")):
        permit = circuit.admit()
        assert permit is not None
        getattr(circuit, verdict)(permit)
    assert store.describe().state == "down"  # writing goes again, reading does not


async def test_a_turn_is_kept_however_late_it_is(store: SqlStore) -> None:
    """Nothing is read for a request whose time is up, but what it has said is saved."""
    circuits = {"reads": Circuit("database", "read", LONG), "writes": Circuit("database", "write", LONG)}
    guarded = SqlStore(GuardedDatabase(store._database, line(unavailable=StoreUnavailable), **circuits))
    identity = "6f2c1ac6-9f6e-4a57-8b61-111111111111"
    turn = Turn(identity, identity, "Why?", "Because.", "answered", datetime.now(UTC))
    token = deadline.start(0)
    try:
        await guarded.save_turn(turn)
        with pytest.raises(StoreUnavailable):
            await guarded.history(identity, limit=1)
    finally:
        deadline.end(token)
    assert [kept.answer for kept in await guarded.history(identity, limit=1)] == ["Because."]


async def test_a_database_behind_its_line() -> None:
    """Reading and writing have circuits of their own, and no room is a database that is not there."""
    reads, writes = Circuit("database", "read", LONG), Circuit("database", "write", LONG)
    guarded = GuardedDatabase(FailingDatabase(), line(unavailable=StoreUnavailable), reads=reads, writes=writes)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await guarded.run(revision)
    assert (reads.describe().state, writes.describe().state) == ("open", "closed")
    with pytest.raises(StoreUnavailable):
        await guarded.run(revision, writes=True)
    assert writes.describe().failure_count == 1
    full = GuardedDatabase(FailingDatabase(), line(most=1, unavailable=StoreUnavailable), reads=reads, writes=writes)
    async with full._line.bulkhead:
        with pytest.raises(StoreUnavailable) as caught:
            await full.run(revision)
    assert isinstance(caught.value.__cause__, TooBusy)

"""The model that rewrites chapters, wired from settings: places, queue, circuit and connections of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.stub_process import Stub, running_stub

from lectern.adapters.guarded import GuardedLLM
from lectern.adapters.sql_migrations import migrate
from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import LecternError, TooBusy, UpstreamRejected, UpstreamUnavailable
from lectern.lifecycle.lifespan import lifespan
from lectern.ops.health import overall
from lectern.ports import LLM, Completion, Message, Ports, Prompt
from lectern.resilience.bulkhead import Bulkhead
from lectern.serving.circuits import CircuitTable
from lectern.wiring import build_ports
from lectern.wiring.model_checks import model_checks

PROMPT = Prompt("Why?", (), (Message("user", "Why?"),))
SLOW = "stub-itl60000"

Make = Callable[..., Ports]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


def settings_for(stub: Stub, folder: Path, **given: object) -> Settings:
    """Settings of a service whose models are the stub's."""
    return Settings(
        _env_file=None,
        data_dir=folder,
        content_dir=folder / "content",
        openai_base_url=stub.base_url,
        openai_api_key=SecretStr("sk-x"),
        token_timeout_seconds=100,
        **given,  # type: ignore[arg-type] # settings by name
    )


@pytest.fixture
async def make(stub: Stub, tmp_path: Path) -> AsyncGenerator[Make, None]:
    """Makes ports from settings."""
    made: list[Ports] = []

    def make(**given: object) -> Ports:
        settings = settings_for(stub, tmp_path, **given)
        made.append(build_ports(settings, database_connections=1, search_threads=1))
        return made[-1]

    yield make
    for ports in made:
        for part in (ports.llm, ports.study_llm):
            if part is not None:
                await part.close()


async def begun(opened: AsyncExitStack, llm: LLM | None, count: int) -> None:
    """Answers that have begun and go on until the stack is closed."""
    assert llm is not None
    for _ in range(count):
        items = await opened.enter_async_context(aclosing(llm.stream(PROMPT)))
        assert await asyncio.wait_for(anext(items), 10) == "You"


async def failure(llm: LLM | None) -> LecternError:
    """How an answer fails."""
    assert llm is not None
    with pytest.raises(LecternError) as caught:
        await anext(llm.stream(PROMPT))
    return caught.value


async def test_no_call_for_a_chapter_takes_a_place_of_a_question(stub: Stub, make: Make) -> None:
    """With every place for chapters taken and the queue behind them full, all places for questions are free."""
    ports = make(
        openai_model=SLOW, study_concurrency=2, study_queue_length=1, llm_concurrency=3, queue_length=0, queue_seconds=1
    )
    async with AsyncExitStack() as opened:
        await begun(opened, ports.study_llm, 2)
        assert isinstance(ports.study_llm, GuardedLLM)
        bulkhead = ports.study_llm._line.bulkhead
        assert isinstance(bulkhead, Bulkhead)
        waiting = asyncio.create_task(failure(ports.study_llm))
        while not bulkhead.waiting and not waiting.done():  # noqa: ASYNC110 - a number, not an event
            await asyncio.sleep(0.01)
        assert bulkhead.waiting == 1
        assert isinstance(await failure(ports.study_llm), TooBusy)
        await begun(opened, ports.llm, 3)
        assert isinstance(await failure(ports.llm), TooBusy)
        assert (await stub.until(open=5))["open"] == 5
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
    await stub.until(open=0)


async def test_calls_for_chapters_wait_longer_than_questions(stub: Stub, make: Make) -> None:
    """A chapter's calls are made at once and wait for each other, far longer than a question waits for a place."""
    ports = make(openai_model="stub-ttft300-len1", study_concurrency=1, queue_seconds=0.05, llm_concurrency=1)
    assert ports.study_llm is not None
    study = ports.study_llm

    async def call() -> list[str | Completion]:
        return [item async for item in study.stream(PROMPT)]

    answers = await asyncio.gather(*(call() for _ in range(4)))
    assert [pieces[0] for pieces in answers] == ["You"] * 4


async def test_its_failures_are_its_own(make: Make) -> None:
    """A model for chapters that fails opens its own circuit; questions go on, and health is told of it."""
    ports = make(openai_model="stub-len3", study_model="stub-fail500", breaker_failures=2, retries=0)
    for _ in range(2):
        assert isinstance(await failure(ports.study_llm), UpstreamUnavailable)
    states = {state.part: (state.operation, state.state) for state in (c.describe() for c in ports.circuits)}
    assert states["study_llm"] == ("rewrite", "open")
    assert states["llm"] == ("answer", "closed")
    assert isinstance([item async for item in ports.llm.stream(PROMPT)][-1], Completion)
    assert ports.study_llm is not None
    part = ports.study_llm.describe()
    assert (part.name, part.state, part.billed) == ("study_llm", "down", True)
    assert overall(ports.parts(), [circuit.describe() for circuit in ports.circuits]) == "degraded"


async def test_it_is_the_model_of_the_settings(stub: Stub, make: Make) -> None:
    """At the same address with the same key, with its own limit; the first model where none is named."""
    own = make(openai_model="stub-tagchat", study_model="stub-tagstudy", study_max_tokens=999, max_answer_tokens=50)
    same = make(openai_model="stub-tagsame")
    for ports in (own, same):
        assert ports.study_llm is not None
        async with aclosing(ports.study_llm.stream(PROMPT)) as items:
            await anext(items)
    last = stub.last("stub-tagstudy")
    assert last["body"]["max_tokens"] == 999
    assert last["headers"]["authorization"] == "Bearer sk-x"
    assert stub.last("stub-tagsame")["body"]["max_tokens"] == 4096
    refused = make(openai_model="stub", study_model="stub-fail404")
    assert isinstance(await failure(refused.study_llm), UpstreamRejected)


def test_without_a_model_there_is_none(tmp_path: Path) -> None:
    """Quoting rewrites nothing."""
    settings = Settings(_env_file=None, data_dir=tmp_path)
    assert build_ports(settings, database_connections=1, search_threads=1).study_llm is None


def test_every_circuit_has_its_row(stub: Stub, tmp_path: Path) -> None:
    """With all that can be configured the workers' memory has room for each circuit, and for some to come."""
    table = CircuitTable()
    settings = settings_for(
        stub,
        tmp_path,
        openai_fallback_model="stub",
        embedding_model="stub-embed",
        cohere_api_key=SecretStr("co-x"),
        qdrant_url="http://127.0.0.1:9",
        redis_url=SecretStr("redis://127.0.0.1:9"),
        database_url=SecretStr("postgresql+psycopg2://reader@127.0.0.1:9/turns"),
    )
    ports = build_ports(settings, database_connections=1, search_threads=1, shared=table)
    names = {f"{state.part}.{state.operation}" for state in (circuit.describe() for circuit in ports.circuits)}
    assert "study_llm.rewrite" in names
    assert len(names) == len(ports.circuits) == 9
    table.reserve(1)
    table.enter(1)
    for name in names:
        table.publish(name, (1, 5, 130.0, 100.0, False))
        assert table.newest(name) is not None


async def test_its_connections_end_with_the_worker(stub: Stub, tmp_path: Path) -> None:
    """What the app has opened for chapters is closed when it shuts down."""
    before = (await stub.until(open=0))["connections"]
    settings = settings_for(stub, tmp_path, openai_model="stub-len2", embedding_model="none")
    migrate(settings.sqlalchemy_url)
    app = create_app(settings)
    async with lifespan(app):
        study = app.state.ports.study_llm
        async for _ in study.stream(PROMPT):
            pass
        assert stub.stats()["connections"] > before
    assert stub.stats()["connections"] == before


@pytest.mark.parametrize(
    ("model", "state", "fix"), [("stub-tagother", "ok", ""), ("stub-fail404", "fail", "STUDY_MODEL"), (None, None, "")]
)
async def test_a_check_looks_at_it_when_it_is_another(
    stub: Stub, tmp_path: Path, model: str | None, state: str | None, fix: str
) -> None:
    """By its own setting's name; one that is the first model is looked at once."""
    settings = settings_for(stub, tmp_path, openai_model="stub", study_model=model, embedding_model="none")
    async with AsyncExitStack() as opened:
        checks = [check for check in model_checks(settings, opened) if check.name == "study model"]
        findings = [finding for check in checks for finding in await check.look()]
    assert [finding.state for finding in findings] == ([state] if state else [])
    assert all(fix in finding.fix for finding in findings)

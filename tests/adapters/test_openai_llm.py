"""The language model adapter against a real HTTP server, well and broken."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio
import pytest
from tests.stub_process import Stub

from lectern.adapters import openai_llm
from lectern.adapters.openai_llm import OpenAILLM
from lectern.adapters.provider import Provider
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from lectern.ports import Completion, Message, Prompt, Tool, Usage

QUESTION = "wie heißt 🦊 du?"
PROMPT = Prompt(QUESTION, (), (Message("system", "Be brief."), Message("user", f"[1] Page\n\nQuestion: {QUESTION}")))
KEY = "sk-secret-key"

Make = Callable[..., OpenAILLM]


@pytest.fixture
async def make(stub: Stub) -> AsyncGenerator[Make, None]:
    """Makes adapters for a model of the stub, with limits of time that a test can wait for."""
    providers: list[Provider] = []

    def make(model: str, *, first: float = 5, token: float = 5, answer: float = 10, max_tokens: int = 100) -> OpenAILLM:
        providers.append(Provider(base_url=stub.base_url, api_key=KEY, connect_timeout_seconds=30))
        return OpenAILLM(
            providers[-1],
            model=model,
            max_tokens=max_tokens,
            first_token_timeout_seconds=first,
            token_timeout_seconds=token,
            answer_timeout_seconds=answer,
        )

    yield make
    for provider in providers:
        await provider.close()


async def answer_of(llm: OpenAILLM) -> tuple[str, Completion]:
    """A whole answer and its end."""
    *texts, completion = [item async for item in llm.stream(PROMPT)]
    assert isinstance(completion, Completion)
    return "".join(str(text) for text in texts), completion


async def failure_of(llm: OpenAILLM) -> tuple[str, LecternError]:
    """What came of an answer before it failed, and how."""
    texts = ""
    try:
        async for item in llm.stream(PROMPT):
            texts += str(item)
    except LecternError as error:
        return texts, error
    pytest.fail("the answer did not fail")


async def test_a_whole_answer(make: Make) -> None:
    """Texts come in pieces as the model makes them, then one completion with the tokens counted."""
    llm = make("stub-len12-itl20")
    items = [item async for item in llm.stream(PROMPT)]
    assert "".join(map(str, items[:-1])) == "You asked: wie heißt 🦊 du? wie [1]."
    assert len(items) > 3
    assert items[-1] == Completion("stop", Usage(prompt_tokens=12, completion_tokens=12))
    assert llm.describe().state == "ok"


async def test_tokens_coalesce_under_pressure(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not keep up handles 20 ms of tokens at once, and loses none; one that does waits for none."""
    llm = make("stub-len100-itl4")
    calm = [item async for item in llm.stream(PROMPT)]
    slept: list[float] = []
    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleeping)
    await anext(llm.stream(PROMPT))
    assert not slept
    monkeypatch.setattr(openai_llm, "under_pressure", lambda: True)
    pressed = [item async for item in llm.stream(PROMPT)]
    assert "".join(map(str, pressed[:-1])) == "".join(map(str, calm[:-1]))
    assert pressed[-1] == calm[-1]
    assert len(pressed) < 50
    assert any(0 < seconds <= 0.02 for seconds in slept)


async def test_text_that_nobody_watches_comes_in_few_pieces(stub: Stub) -> None:
    """A tenth of a second of tokens is one piece, and the whole is what comes token by token."""
    provider = Provider(base_url=stub.base_url, api_key=KEY)
    alone, gathered = (OpenAILLM(provider, model="stub-len100-itl4", gather_seconds=pause) for pause in (0, 0.1))
    one_by_one = [item async for item in alone.stream(PROMPT)]
    pieces = [item async for item in gathered.stream(PROMPT)]
    assert "".join(map(str, pieces[:-1])) == "".join(map(str, one_by_one[:-1]))
    assert pieces[-1] == one_by_one[-1]
    assert len(pieces) < len(one_by_one) / 2
    await provider.close()


async def test_what_is_asked(stub: Stub, make: Make) -> None:
    """The messages, the key and the limit arrive as given; the limit has its most widely known name."""
    await answer_of(make("stub-tagasked", max_tokens=77))
    last = stub.last("stub-tagasked")
    assert last["headers"]["authorization"] == f"Bearer {KEY}"
    assert last["body"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"[1] Page\n\nQuestion: {QUESTION}"},
    ]
    assert last["body"]["max_tokens"] == 77
    assert last["body"]["stream"] is True


def test_the_limit_has_a_newer_name_at_openai() -> None:
    """OpenAI's own newer models refuse the older name."""
    llm = OpenAILLM(Provider(base_url="https://api.openai.com/v1", api_key=KEY), model="gpt-4o-mini")
    assert "max_completion_tokens" in llm._options
    assert llm.describe().kind == "OpenAI gpt-4o-mini"
    assert llm.describe().state == "unknown"


async def test_a_server_without_a_key(stub: Stub) -> None:
    """A server of one's own needs no key."""
    provider = Provider(base_url=stub.base_url, api_key=None)
    assert (await answer_of(OpenAILLM(provider, model="stub-len5")))[1].finish == "stop"
    await provider.close()


async def test_a_picky_server(stub: Stub, make: Make) -> None:
    """Options that a server does not know are left out or renamed, once and for all."""
    llm = make("stub-picky-len5")
    before = stub.stats()["requests"].get("stub-picky-len5", 0)
    text, completion = await answer_of(llm)
    assert text.startswith("You asked:")
    assert completion.usage is None
    assert stub.last("stub-picky-len5")["body"]["max_completion_tokens"] == 100
    await answer_of(llm)
    assert stub.stats()["requests"]["stub-picky-len5"] == before + 4


async def test_learning_ends(make: Make) -> None:
    """A complaint that no change silences is raised, not answered for ever."""
    llm = make("stub")
    assert llm._learns("max_tokens is too large")
    assert not llm._learns("max_completion_tokens is too large")
    assert not llm._learns("something else")
    assert "max_completion_tokens" in llm._options


@pytest.mark.parametrize(
    ("model", "finish"), [("stub-len200", "length"), ("stub-filter", "filtered"), ("stub-nodone", "stop")]
)
async def test_finishes(make: Make, model: str, finish: str) -> None:
    """Why an answer ended is told in our words."""
    assert (await answer_of(make(model)))[1].finish == finish


@pytest.mark.parametrize("model", ["stub-nousage", "stub-badusage", "stub-empty-nousage"])
async def test_an_answer_whose_cost_is_unknown(make: Make, model: str) -> None:
    """An answer is complete without a count of its tokens."""
    assert (await answer_of(make(model)))[1].usage is None


async def test_characters_cut_by_segments(make: Make) -> None:
    """A character whose bytes arrive apart is whole."""
    text, _ = await answer_of(make("stub-split-len8"))
    assert text == "You asked: wie [1]."
    assert "ß 🦊" in (await answer_of(make("stub-split-len14")))[0].replace("heißt", "ß")


FAULTS = [
    ("stub-fail400", UpstreamRejected, "status 400"),
    ("stub-fail401", UpstreamRejected, "status 401"),
    ("stub-fail403", UpstreamRejected, "status 403"),
    ("stub-fail404", UpstreamRejected, "status 404"),
    ("stub-fail408", UpstreamTimeout, "status 408"),
    ("stub-fail409", UpstreamUnavailable, "status 409"),
    ("stub-fail429", UpstreamUnavailable, "status 429"),
    ("stub-fail500", UpstreamUnavailable, "status 500"),
    ("stub-fail503", UpstreamUnavailable, "status 503"),
    ("stub-fail504", UpstreamTimeout, "status 504"),
    ("unknown-model", UpstreamRejected, "status 404 (model_not_found)"),
    ("stub-reset", UpstreamUnavailable, "ClientOSError"),
    ("stub-html", UpstreamUnavailable, "broke off"),
    ("stub-okerror", UpstreamUnavailable, "broke off"),
    ("stub-cut0", UpstreamUnavailable, "broke off"),
]


@pytest.mark.parametrize(("model", "error", "note"), FAULTS)
async def test_a_call_that_fails(make: Make, model: str, error: type[LecternError], note: str) -> None:
    """Each failure before the first token is the right error at once, and is remembered for the operator."""
    llm = make(model)
    texts, caught = await failure_of(llm)
    assert texts == ""
    assert type(caught) is error
    assert caught.__cause__ is not None
    assert note in llm.describe().note
    assert llm.describe().state == "down"


@pytest.mark.parametrize(
    ("model", "note"),
    [
        ("stub-reset3", "ClientPayloadError"),
        ("stub-fin3", "ClientPayloadError"),
        ("stub-cut3", "broke off"),
        ("stub-garbage3", "JSONDecodeError"),
        ("stub-error3", "error instead"),
    ],
)
async def test_an_answer_that_breaks(make: Make, model: str, note: str) -> None:
    """What came before a fault in the middle is given, and then the error: never a text that only looks complete."""
    llm = make(model + "-itl5")
    texts, caught = await failure_of(llm)
    assert texts == "You asked:"
    assert type(caught) is UpstreamUnavailable
    assert note in llm.describe().note


@pytest.mark.parametrize(
    ("model", "limits", "texts"),
    [
        ("stub-hang", {"first": 0.2}, ""),
        ("stub-ttft60000", {"first": 0.2}, ""),
        ("stub-stall0", {"first": 0.2}, ""),
        ("stub-stall3", {"token": 0.2}, "You asked:"),
        ("stub-itl60000", {"token": 0.2}, "You"),
        ("stub-itl20-len10000", {"answer": 0.5, "max_tokens": 10000}, None),
        ("stub-hang", {"answer": 0.2}, ""),
    ],
)
async def test_every_wait_has_a_limit(make: Make, model: str, limits: dict[str, float], texts: str | None) -> None:
    """The first token, the next one and the whole answer are waited for only so long."""
    began = time.monotonic()
    came, caught = await failure_of(make(model, **limits))
    assert type(caught) is UpstreamTimeout
    assert time.monotonic() - began < 5
    assert texts is None or came == texts


@pytest.mark.parametrize("model", ["stub-len5-endreset", "stub-len5-endstall"])
async def test_a_complete_answer_is_not_lost_with_its_ending(stub: Stub, make: Make, model: str) -> None:
    """After the last text the connection may break or fall silent: the answer is whole, only its cost is unknown."""
    llm = make(model, token=100, answer=100)
    began = time.monotonic()
    assert await answer_of(llm) == ("You asked: [1", Completion("stop", None))
    assert time.monotonic() - began < 10
    assert llm.describe().state == "ok"
    await stub.until(open=0)


async def test_nobody_there(make: Make) -> None:
    """A port on which nothing listens is an error at once."""
    provider = Provider(base_url="http://127.0.0.1:9/v1", api_key=KEY, connect_timeout_seconds=2)
    llm = OpenAILLM(provider, model="any")
    _, caught = await failure_of(llm)
    assert type(caught) is UpstreamUnavailable
    assert llm.describe().note == "ClientConnectorError"
    await provider.close()


async def test_retry_after_is_handed_on(make: Make) -> None:
    """How long a provider asks to wait is told to whoever decides on retries."""
    for status in (429, 503):
        _, caught = await failure_of(make(f"stub-fail{status}-retry7"))
        assert caught.retry_after_seconds == 7
    _, caught = await failure_of(make("stub-fail500"))
    assert caught.retry_after_seconds is None


async def test_nothing_is_retried(stub: Stub, make: Make) -> None:
    """One call is one request, whatever comes of it."""
    for model in ("stub-fail500-tagonce", "stub-fail429-tagonce", "stub-reset-tagonce", "stub-fail401-tagonce"):
        await failure_of(make(model))
        assert stub.stats()["requests"][model] == 1


async def test_the_key_and_the_question_stay_secret(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """No message, note or log line holds the key or what was asked."""
    with caplog.at_level(logging.DEBUG, logger="lectern"):
        for model, *_ in FAULTS:
            llm = make(model)
            _, caught = await failure_of(llm)
            told = f"{caught} {caught.message} {llm.describe()} {caplog.text}"
            assert KEY not in told
            assert QUESTION not in told


async def test_an_outage_is_logged_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Readers who meet the same failure make one line; the next success clears it."""
    llm = make("stub-flaky2-fail500-len3-tagonceonly")
    await answer_of(llm)
    assert llm.describe().state == "ok"
    await failure_of(llm)
    assert llm.describe().state == "down"
    await answer_of(llm)
    assert llm.describe().state == "ok"
    again = make("stub-fail500")
    for _ in range(3):
        await failure_of(again)
    assert len([record for record in caplog.records if "stub-fail500 " in record.getMessage()]) == 1


async def test_connections_are_used_again(stub: Stub, make: Make) -> None:
    """Answers one after another, complete or refused, take one connection."""
    idle = (await stub.until(open=0))["connections"]
    llm = make("stub-len5-flaky2")
    for number in range(6):
        await (failure_of(llm) if number % 2 else answer_of(llm))
    assert stub.stats()["connections"] == idle + 1


@pytest.mark.parametrize("fault", ["reset3", "fin3", "cut3", "garbage3", "error3", "stall3"])
async def test_no_fault_leaks_a_connection(stub: Stub, make: Make, fault: str) -> None:
    """After broken answers no stream is open, and at most one connection is kept for the next."""
    idle = (await stub.until(open=0))["connections"]
    llm = make(f"stub-{fault}", token=0.2)
    for _ in range(3):
        await failure_of(llm)
    stats = await stub.until(open=0)
    assert stats["connections"] <= idle + 1


async def test_closing_the_generator_stops_the_model(stub: Stub, make: Make) -> None:
    """A reader who leaves stops the generation at once."""
    before = await stub.until(open=0)
    async with aclosing(make("stub-itl60000", token=100, answer=100).stream(PROMPT)) as stream:
        assert await anext(stream) == "You"
        await stub.until(open=1)
    after = await stub.until(open=0)
    assert after["abandoned"] == before["abandoned"] + 1


@pytest.mark.parametrize("model", ["stub-hang", "stub-stall3"])
@pytest.mark.parametrize("way", ["task", "scope"])
async def test_cancelling_stops_the_model(stub: Stub, make: Make, model: str, way: str) -> None:
    """A cancelled task or scope stops the generation, before the first token as after it."""
    await stub.until(open=0)

    async def read() -> None:
        async for _ in make(model, first=100, token=100, answer=100).stream(PROMPT):
            pass

    if way == "task":
        task = asyncio.create_task(read())
        await stub.until(open=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await stub.until(open=1)
            group.cancel_scope.cancel()
    await stub.until(open=0)


async def test_many_streams_at_once(make: Make) -> None:
    """Three hundred streams run side by side on one client: no pool holds them up."""
    llm = make("stub-ttft1000-itl10-len5", first=50, answer=60)
    answers = await asyncio.gather(*(answer_of(llm) for _ in range(300)))
    assert {text for text, _ in answers} == {"You asked: [1"}


async def test_warm_asks_nothing_and_close_can_be_repeated(stub: Stub, make: Make) -> None:
    """Warming costs nothing at the provider; a closed adapter works again."""
    llm = make("stub-len5-tagwarm")
    await llm.warm()
    assert "stub-len5-tagwarm" not in stub.stats()["requests"]
    await answer_of(llm)
    await llm.close()
    await llm.close()
    await answer_of(llm)


TOOL = Tool("add_task", "Adds a task.", {"type": "object", "properties": {"title": {"type": "string"}}})


def asking(words: str, *more: Message) -> Prompt:
    """A prompt that offers a tool."""
    return Prompt(words, (), (Message("user", words), *more), (TOOL,))


async def test_a_model_asks_for_a_tool_and_gets_its_result(stub: Stub, make: Make) -> None:
    """Calls come whole with the completion; sent back with what came of them, they lead to an answer in words."""
    llm = make("stub-tools-split-tagcalls")
    prompt = asking('call add_task {"title": "ß 🦊"} and call list_tasks {}')
    *texts, completion = [item async for item in llm.stream(prompt)]
    assert texts == [""]  # the first call has begun
    assert isinstance(completion, Completion)
    assert [(call.name, call.arguments) for call in completion.tool_calls] == [
        ("add_task", '{"title": "ß 🦊"}'),
        ("list_tasks", "{}"),
    ]
    assert completion.finish == "stop"
    assert completion.usage is not None
    said = [Message("tool", f"Result {call.id}", tool_call_id=call.id) for call in completion.tool_calls]
    after = asking(prompt.question, Message("assistant", "", tool_calls=completion.tool_calls), *said)
    *pieces, end = [item async for item in llm.stream(after)]
    assert all(call.id in "".join(map(str, pieces)) for call in completion.tool_calls)
    assert isinstance(end, Completion)
    assert not end.tool_calls
    body = stub.last("stub-tools-split-tagcalls")["body"]
    assert body["tools"][0]["function"]["name"] == "add_task"
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "tool"]


async def test_a_server_that_knows_no_tools(stub: Stub, make: Make) -> None:
    """It is asked once, and its refusal is told: an answer without the tools would only look like one."""
    llm = make("stub-notools-tagonce")
    with pytest.raises(UpstreamRejected):
        await anext(llm.stream(asking("call add_task {}")))
    assert stub.stats()["requests"]["stub-notools-tagonce"] == 1
    assert llm._options == make("stub")._options
    assert (await answer_of(llm))[0].startswith("You asked:")


async def test_pieces_of_calls_are_tokens_to_those_who_wait(make: Make) -> None:
    """A call that comes slowly is in time as long as its pieces are; one that falls silent is given up."""
    words = 'call add_task {"title": "' + "x" * 60 + '"}'
    slow = make("stub-tools-itl100", first=0.5, token=5)
    assert len([item async for item in slow.stream(asking(words))]) == 2
    silent = make("stub-tools-stall3", first=5, token=0.2)
    items = silent.stream(asking(words))
    assert await anext(items) == ""
    with pytest.raises(UpstreamTimeout):
        await anext(items)


@pytest.mark.parametrize("fault", ["reset3", "fin3", "cut3", "garbage3", "error3"])
async def test_a_call_that_breaks_is_none(make: Make, fault: str) -> None:
    """Whatever breaks an answer in the middle of a call, no call comes of it."""
    items = make(f"stub-tools-{fault}-itl5").stream(asking('call add_task {"title": "some title"}'))
    assert await anext(items) == ""
    with pytest.raises(UpstreamUnavailable):
        await anext(items)

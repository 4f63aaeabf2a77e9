"""One exchange, seen from the wire: every token has its moment, and what is no answer is told."""

import asyncio

import openai
import pytest
from loadtests import targets
from loadtests.wire import Connection, Target, Trace, exchange
from tests.stub_process import Stub


async def asked(stub: Stub, model: str, seconds: float = 10) -> Trace:
    """The trace of one exchange with a model of the stub."""
    return await exchange(targets.of_stub(stub.base_url, model), asyncio.get_running_loop().time(), seconds)


async def test_every_token_has_its_moment(stub: Stub) -> None:
    """As many moments as the answer has tokens, in order, after the head and before the end."""
    trace = await asked(stub, "stub-ttft50-itl2-len30")
    assert (trace.status, trace.error, len(trace.tokens)) == (200, "", 30)
    assert trace.headed is not None
    assert trace.ended is not None
    assert trace.tokens == sorted(trace.tokens)
    assert trace.due <= trace.headed <= trace.tokens[0] <= trace.tokens[-1] <= trace.ended
    assert trace.tokens[0] - trace.due >= 0.05


async def test_a_mark_that_is_cut_in_two_counts_once(stub: Stub) -> None:
    """Wherever the network cuts the frames, each token is seen, and only once."""
    trace = await asked(stub, "stub-itl1-len25-split")
    assert (trace.error, len(trace.tokens)) == ("", 25)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("stub-len10-cut5", "truncated"),
        ("stub-len10-fin5", "broken: "),
        ("stub-len10-reset5", "broken: ConnectionResetError"),
        ("stub-fail503", "status 503"),
        ("stub-hang", "not over in time"),
    ],
)
async def test_what_is_no_answer_is_told(stub: Stub, model: str, error: str) -> None:
    """An answer counts only when it came whole."""
    trace = await asked(stub, model, seconds=1)
    assert trace.error.startswith(error)
    assert trace.retry_after == (model == "stub-fail503")


async def test_nobody_there_is_an_error_and_not_the_end() -> None:
    """A driver outlives what it drives."""
    target = Target.of("gone", "http://127.0.0.1:9/chat", b"{}", b"x", b"y")
    trace = await exchange(target, asyncio.get_running_loop().time(), 2)
    assert trace.error.startswith("not reached")


async def test_a_kept_connection_carries_one_exchange_after_another(stub: Stub) -> None:
    """It comes back when it may be used again: not when the answer broke off, nor when the request was its last."""
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    kept = targets.of_stub(stub.base_url, "stub-len3").kept()
    first = await exchange(kept, loop.time(), 10, idle)
    [connection] = idle
    second = await exchange(kept, loop.time(), 10, idle)
    assert idle == [connection]
    assert [(trace.error, len(trace.tokens)) for trace in (first, second)] == [("", 3), ("", 3)]
    broken = await exchange(targets.of_stub(stub.base_url, "stub-len3-fin1").kept(), loop.time(), 10, idle)
    assert broken.error.startswith("broken")
    assert idle == []
    assert (await exchange(targets.of_stub(stub.base_url, "stub-len3"), loop.time(), 10, idle)).error == ""
    assert idle == []


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(stub: Stub) -> None:
    """The next exchange opens another one."""
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    kept = targets.of_stub(stub.base_url, "stub-len3").kept()
    await exchange(kept, loop.time(), 10, idle)
    [connection] = idle
    connection.abort()
    await asyncio.sleep(0)
    assert (await exchange(kept, loop.time(), 10, idle)).error == ""
    [other] = idle
    assert other is not connection
    other.abort()
    await asyncio.sleep(0)


@pytest.mark.parametrize("model", ["stub-len10", "stub-len10-fin5", "stub-fail503"])
async def test_an_object_is_one_token(stub: Stub, model: str) -> None:
    """A whole JSON answer is told from half of one and from a refusal."""
    trace = await exchange(targets.of_stub(stub.base_url, model, stream=False), asyncio.get_running_loop().time(), 10)
    assert (not trace.error) == (model == "stub-len10")
    assert trace.error or len(trace.tokens) == 1


async def test_an_embedding_is_asked_for_as_the_sdk_does(stub: Stub) -> None:
    """One vector, in the encoding that costs the stub as much as Lectern's own call."""
    trace = await exchange(targets.of_embedding(stub.base_url), asyncio.get_running_loop().time(), 10)
    assert (trace.error, len(trace.tokens)) == ("", 1)
    asked = stub.last("stub-embed")["body"]
    async with openai.AsyncOpenAI(base_url=stub.base_url, api_key="sk") as client:
        await client.embeddings.create(model="stub-embed", input=asked["input"])
    assert stub.last("stub-embed")["body"] == asked

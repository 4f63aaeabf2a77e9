"""Readers who ask again as soon as they are answered."""

import asyncio

import pytest
from loadtests import closedloop, targets
from loadtests.closedloop import Readers, Stage
from loadtests.openloop import NobodyAnsweredError
from loadtests.wire import Target, Trace
from tests.stub_process import Stub


async def test_each_reader_asks_again_on_its_own_connection(stub: Stub) -> None:
    """As many are answered at once as there are readers, over as many connections, and the last answers are whole."""
    model = "stub-ttft50-len3-tagclosed"
    before = stub.stats()["connections"]
    loop = asyncio.get_running_loop()
    target = targets.of_stub(stub.base_url, model).kept()
    driving = loop.create_task(closedloop.drive(target, Readers(5, 1)))
    await asyncio.sleep(0.6)
    connections = (await asyncio.to_thread(stub.stats))["connections"]
    stage = await driving
    assert connections - before <= 5
    assert stage.errors() == 0
    assert stage.answered() == len(stage.traces) == stub.stats()["requests"][model]
    assert len(stage.traces) > 5
    assert stage.rate() > 0
    assert min(stage.totals()) > 0.045
    assert all(len(trace.tokens) == 3 for trace in stage.traces)


async def test_readers_come_one_after_another(stub: Stub) -> None:
    """Within the ramp; who was answered meanwhile does not count."""
    stage = await closedloop.drive(targets.of_stub(stub.base_url, "stub-ttft20"), Readers(4, 0.3, ramp_seconds=1.5))
    first = min(trace.due for trace in stage.traces)
    assert stage.since - first == pytest.approx(1.5, abs=1e-6)
    assert len(stage.totals()) < len(stage.traces)


async def test_refusals_are_counted_and_make_no_storm(stub: Stub) -> None:
    """A reader who is refused comes again after a moment."""
    stage = await closedloop.drive(targets.of_stub(stub.base_url, "stub-fail503").kept(), Readers(2, 0.5))
    assert stage.errors() == len(stage.traces) <= 2 * 0.5 / 0.05 + 2
    assert (stage.answered(), stage.rate(), stage.totals()) == (0, 0, [])
    with pytest.raises(NobodyAnsweredError, match=f"stub answered nobody: {len(stage.traces)} times status 503"):
        stage.total_ms()
    assert all(trace.retry_after for trace in stage.traces)


def test_only_what_came_while_all_were_at_it_counts() -> None:
    """Who was answered before all had come is not counted; nor in the rate who was after the first had left."""

    def answer(due: float, ended: float, error: str = "") -> Trace:
        return Trace(due, 200, due, [ended], ended, error=error)

    traces = [answer(0, 1), answer(1, 11), answer(11, 19), answer(12, 21), answer(15, 16, "truncated")]
    stage = Stage("one", traces, since=10, until=20)
    assert stage.rate() == pytest.approx(0.2)
    assert stage.totals() == [10, 8, 9]
    assert (stage.answered(), stage.errors()) == (4, 1)


async def test_nobody_there_ends_with_the_time() -> None:
    """A driver outlives what it drives."""
    gone = Target.of("gone", "http://127.0.0.1:9/chat", b"{}", b"x", b"y").kept()
    stage = await closedloop.drive(gone, Readers(2, 0.2))
    assert {trace.error for trace in stage.traces} == {"not reached: ConnectionRefusedError"}

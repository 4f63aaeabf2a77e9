"""The open-loop driver: its schedule, its figures, and a run against the stub."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtests import openloop, targets
from loadtests.openloop import Schedule
from loadtests.wire import Trace
from tests.stub_process import Stub


@settings(deadline=None)
@given(st.floats(1, 200), st.floats(0.5, 20), st.integers(1, 4))
def test_targets_take_turns_on_a_schedule(rate: float, seconds: float, count: int) -> None:
    """Arrivals stand in order and in time, no target is more than one ahead, and a seed gives the same ones again."""
    plan = Schedule(rate, seconds).arrivals(count)
    times = [after for after, _ in plan]
    assert times == sorted(times)
    assert all(0 <= after < seconds for after in times)
    assert [target for _, target in plan] == [number % count for number in range(len(plan))]
    assert plan == Schedule(rate, seconds).arrivals(count)


def test_a_schedule_has_its_rate() -> None:
    """A long one comes within a tenth of what was asked for."""
    assert len(Schedule(50, 100).arrivals(2)) == pytest.approx(50 * 100 * 2, rel=0.1)


def test_a_late_driver_counts_against_the_service() -> None:
    """Everything is counted from the moment the schedule asked for; whole answers only; refusals by themselves."""
    late = Trace(due=10.0, status=200, headed=10.5, tokens=[11.0, 11.25], ended=11.5)
    broken = Trace(due=10.0, status=200, headed=10.1, tokens=[10.2], error="truncated")
    refused = Trace(due=10.0, status=503, headed=10.01, retry_after=True, error="status 503")
    figures = openloop.figures([late, broken, refused])
    assert (figures["asked"], figures["answered"], figures["tokens"]) == (3, 1, 2)
    assert figures["errors"] == {"truncated": 1, "status 503": 1}
    assert figures["first_token_ms"]["max"] == 1000
    assert figures["gap_ms"]["max"] == 250
    assert figures["total_ms"]["p50"] == 1500
    assert figures["refused_ms"]["max"] == pytest.approx(10)
    assert figures["refused_without_retry_after"] == 0


def test_nothing_has_no_spread() -> None:
    """No figure is made of nothing, and one value is its own percentile."""
    assert openloop.spread([]) is None
    assert openloop.spread([0.5]) == {"p50": 500, "p95": 500, "p99": 500, "max": 500}


async def test_a_run_asks_every_target_and_watches_health(stub: Stub) -> None:
    """Two models of the stub: each gets its arrivals, the slower one shows as slower, and nobody is lost."""
    fast, slow = (targets.of_stub(stub.base_url, model) for model in ("stub-len5", "stub-ttft300-len5"))
    pair = [fast, slow.renamed("slow")]
    run = await openloop.drive(pair, Schedule(10, 2), f"{stub.base_url.removesuffix('/v1')}/health")
    figures = {name: openloop.figures(traces) for name, traces in run.traces.items()}
    assert figures["stub"]["asked"] + figures["slow"]["asked"] == len(Schedule(10, 2).arrivals(2))
    assert all(figure["answered"] == figure["asked"] for figure in figures.values())
    assert figures["slow"]["first_token_ms"]["p50"] - figures["stub"]["first_token_ms"]["p50"] > 100
    assert run.health_seconds
    assert run.health_failures == 0

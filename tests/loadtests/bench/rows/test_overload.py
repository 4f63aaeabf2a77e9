"""What an overload came to, from its traces; and a short one of a real worker."""

import pytest
from loadtests import closedloop
from loadtests.bench.row import Options
from loadtests.bench.rows import overload
from loadtests.closedloop import Readers, Stage
from loadtests.openloop import NobodyAnsweredError
from loadtests.wire import Target, Trace

TARGET = Target("lectern", "127.0.0.1", 1, b"", b"", b"")


def whole(due: float, ended: float) -> Trace:
    """An answer."""
    return Trace(due, 200, due + 0.1, [due + 0.3], ended)


def refused(due: float, after: float, *, retry_after: bool = True) -> Trace:
    """A 503."""
    return Trace(due, 503, due + after, ended=due + after, retry_after=retry_after, error="status 503")


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_short_overload_is_measured_from_its_peak_to_what_comes_after() -> None:
    """Every figure is there; more readers brought more answers than the first few did; the model was asked."""
    [repetition] = overload.ROW.measure(Options(repeat=1, scale=0.05))
    assert repetition.values.keys() == {figure.name for figure in overload.ROW.figures}
    steps = repetition.detail["answers_a_second_by_readers"]
    assert isinstance(steps, dict)
    assert len(steps) > 1
    over = repetition.detail["overload"]
    assert isinstance(over, dict)
    assert over["asked"] > max(steps.values()) * 3
    assert 0 < repetition.values["goodput, of the peak"] < 3


def test_whatever_is_neither_an_answer_nor_a_full_refusal_counts_against_the_share() -> None:
    """A 503 without a time to come again, a broken stream, and one that never ended are no refusals at the door."""
    traces = [
        whole(0, 1.2),
        refused(1, 0.01),
        refused(1, 0.03, retry_after=False),
        Trace(2, 200, 2.1, [2.2], error="truncated"),
        Trace(3, error="not over in time"),
    ]
    values = overload.judged(traces, seconds=11, peak=1)
    assert values["503 with Retry-After, of the unanswered"] == 0.25
    assert values["refused, of those asking"] == 0.4
    assert values["refused in, p99"] == pytest.approx(29.8, abs=0.1)
    assert values["goodput, of the peak"] == pytest.approx(0.1)


def test_where_nobody_is_refused_the_time_is_how_long_readers_wait() -> None:
    """An overload that everyone sits out meets no target of refusals."""
    values = overload.judged([Trace(0, 200, 20.0, [21.0], 22.0), whole(1, 2)], seconds=60, peak=1)
    assert values["503 with Retry-After, of the unanswered"] == 0
    assert values["refused in, p99"] > 10_000
    with pytest.raises(NobodyAnsweredError, match="overload answered nobody: 1 times not reached"):
        overload.judged([Trace(0, error="not reached: ConnectionRefusedError")], seconds=60, peak=1)


def test_goodput_is_of_the_time_in_which_answers_can_come() -> None:
    """From one answer's length after the first arrival to the last arrival; what comes later is too late."""
    on_time = [whole(at, at + 1.5) for at in range(9)]
    late = [whole(8, 30)]
    assert overload.goodput(on_time + late, seconds=11) == pytest.approx(9 / 10)
    assert overload.goodput([], seconds=11) == 0


def test_recovery_is_first_tokens_after_over_before() -> None:
    """Errors are counted by themselves; where nobody was answered, there is no ratio to tell."""
    before, after = [whole(0, 1)] * 20, [Trace(0, 200, 0.1, [0.6], 1)] * 20
    values = overload.recovered(before, [*after, refused(0, 0.1)])
    assert values["first token p95, 5 s after, of before"] == pytest.approx(2)
    assert values["errors, 5 s after"] == 1
    with pytest.raises(NobodyAnsweredError, match="after the overload"):
        overload.recovered(before, [refused(0, 0.1)])
    with pytest.raises(NobodyAnsweredError, match="before the overload answered nobody: nobody asked"):
        overload.recovered([], after)


@pytest.mark.parametrize(("calls", "share"), [(4, 0), (9, 0), (3, 0.25), (0, 1)])
def test_answers_without_a_call_of_the_model_are_stand_ins(calls: int, share: float) -> None:
    """Retries may make more calls than answers; that is no stand-in."""
    assert overload.stood_in([*[whole(0, 1)] * 4, refused(0, 1)], calls) == share


@pytest.mark.parametrize(
    ("rates", "peak", "asked"),
    [
        ([10, 20, 40, 41, 90], 41, [10, 20, 40, 80]),
        ([10, 9, 90], 10, [10, 20]),
        ([10, 20, 40, 80, 160, 320], 320, [10, 20, 40, 80, 160, 320]),
    ],
)
def test_the_peak_is_where_more_readers_bring_no_more(
    monkeypatch: pytest.MonkeyPatch, rates: list[float], peak: float, asked: list[int]
) -> None:
    """Steps end after the first that brought less than a twentieth more, and the best of all counts."""
    seen: list[int] = []

    async def drive(target: Target, readers: Readers) -> Stage:
        seen.append(readers.count)
        return Stage(target.name, [whole(0, 1)] * int(rates[len(seen) - 1]), 0.0, 1.0)

    monkeypatch.setattr(closedloop, "drive", drive)
    assert overload.find_peak(TARGET, 1)[0] == peak
    assert seen == asked


def test_a_worker_that_answers_nobody_has_no_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, instead of an overload by nothing."""

    async def drive(target: Target, readers: Readers) -> Stage:
        return Stage(target.name, [refused(0, 0.1)], 0.0, 1.0)

    monkeypatch.setattr(closedloop, "drive", drive)
    with pytest.raises(NobodyAnsweredError, match="lectern answered nobody: 1 times status 503"):
        overload.find_peak(TARGET, 1)

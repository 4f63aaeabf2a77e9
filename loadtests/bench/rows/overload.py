"""Three times what one worker can do, for a minute, and what its readers get of it.

The peak is what a closed loop gets out of the worker: readers who ask again at once, more of them until more of them no
longer help. Then arrivals come on a schedule of three times that rate, whoever is still being served. A reader who is
not answered has to be told at the door: whatever else ends an exchange (a stream that breaks off, another status, no
answer in time) counts against the share. Refusals are timed from the moment the schedule asked for, so the driver's own
lateness counts too. Where nobody is refused, two thirds of the readers wait for what the worker cannot do: the share is
0 then, and the time is how long readers waited for the head of an answer. A gentle schedule runs before, and again 5 s
after the last arrival, whatever is still open then.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from loadtests import closedloop, services, targets
from loadtests.bench.cost import processor_seconds
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.closedloop import Readers
from loadtests.descriptors import make_room
from loadtests.openloop import NobodyAnsweredError, Run, Schedule, drive, figures, spread
from loadtests.wire import Target, Trace

MODEL: Final = "stub-ttft200-itl20-len40"
ANSWER_SECONDS: Final = 1.0
"""How long one answer of the model takes."""
TIMES: Final = 3
_SECONDS, _RECOVERY_SECONDS = 60, 5
_READERS: Final = (10, 20, 40, 80, 160, 320)
_STEP_SECONDS = 6
_GROWTH = 1.05
"""More readers help when they bring at least this many times the answers."""
_GENTLE_RATE, _GENTLE_SECONDS = 5, 10
_FILES = 16_384
_REFUSED = 503


def measure(options: Options) -> Sequence[Repetition]:
    """Peak, before, overload, after: all of it once a repetition, on a service of its own."""
    make_room(_FILES)
    return [_once(options.scale) for _ in range(options.repeat)]


def _once(scale: float) -> Repetition:
    gentle = Schedule(_GENTLE_RATE, max(2.0, _GENTLE_SECONDS * scale))
    with services.stub() as stub, services.lectern(stub.url, MODEL, WEB_CONCURRENCY="1") as lectern:
        target = targets.of_lectern(lectern.url)
        asyncio.run(drive([target], gentle))
        peak, steps = find_peak(target, max(2.0, _STEP_SECONDS * scale))
        before = asyncio.run(drive([target], gentle)).traces["lectern"]
        schedule = Schedule(TIMES * peak, max(3.0, _SECONDS * scale))
        model = services.get(stub, "/stats")["requests"][MODEL]
        with processor_seconds({"stub": stub, "lectern": lectern}) as cost:
            over, after = asyncio.run(_overload(target, schedule, gentle, f"{lectern.url}/health"))
        traces = over.traces["lectern"]
        model = services.get(stub, "/stats")["requests"][MODEL] - model
        detail: dict[str, object] = {
            "answers_a_second_by_readers": steps,
            "overload": figures(traces),
            "before": figures(before),
            "after": figures(after),
            "health_ms": spread(over.health_seconds),
            "health_failures": over.health_failures,
            "processor_seconds": cost,
            "pss_bytes": lectern.pss_bytes(),
        }
    samples = {"refused: lectern": [seconds * 1000 for seconds in refused_seconds(traces)]}
    values = judged(traces, schedule.seconds, peak) | recovered(before, after)
    values["stand-ins, of the answered"] = stood_in([*traces, *after], model)
    return Repetition(values, samples, detail)


def find_peak(target: Target, seconds: float) -> tuple[float, dict[str, float]]:
    """Whole answers a second at most, and at each number of readers; a step more after the last that helped.

    Raises:
        NobodyAnsweredError: There is no peak to overload it with.
    """
    steps: dict[str, float] = {}
    peak = 0.0
    for readers in _READERS:
        stage = asyncio.run(closedloop.drive(target, Readers(readers, seconds, ramp_seconds=ANSWER_SECONDS)))
        steps[str(readers)] = found = stage.rate()
        enough = found < peak * _GROWTH
        peak = max(peak, found)
        if enough:
            break
    if not peak:
        raise NobodyAnsweredError.of(target.name, stage.traces)
    return peak, steps


async def _overload(target: Target, schedule: Schedule, gentle: Schedule, health: str) -> tuple[Run, Sequence[Trace]]:
    """The overload, and the gentle schedule some seconds after its last arrival."""
    over = asyncio.create_task(drive([target], schedule, health))
    await asyncio.sleep(schedule.seconds + _RECOVERY_SECONDS)
    after = await drive([target], gentle)
    return await over, after.traces["lectern"]


def judged(traces: Sequence[Trace], seconds: float, peak: float) -> dict[str, float]:
    """The figures of an overload of so many seconds over a peak of so many answers a second.

    Raises:
        NobodyAnsweredError: Nobody got as much as the head of an answer.
    """
    unanswered = [trace for trace in traces if trace.error]
    at_the_door = sum(trace.status == _REFUSED and trace.retry_after for trace in unanswered)
    waited = [trace.headed - trace.due for trace in traces if trace.headed is not None]
    told = spread(refused_seconds(traces) or waited)
    if told is None:
        raise NobodyAnsweredError.of("overload", traces)
    return {
        "refused, of those asking": len(refused_seconds(traces)) / len(traces),
        "503 with Retry-After, of the unanswered": at_the_door / max(1, len(unanswered)),
        "refused in, p95": told["p95"],
        "refused in, p99": told["p99"],
        "goodput, of the peak": goodput(traces, seconds) / peak,
    }


def goodput(traces: Sequence[Trace], seconds: float) -> float:
    """Whole answers a second, from when the first one could be over until the last arrival."""
    if not traces:
        return 0.0
    begin = min(trace.due for trace in traces)
    ends = (trace.ended - begin for trace in traces if trace.ended is not None and not trace.error)
    return sum(ANSWER_SECONDS <= end <= seconds for end in ends) / (seconds - ANSWER_SECONDS)


def refused_seconds(traces: Sequence[Trace]) -> list[float]:
    """How long each reader who got a 503 waited for it."""
    return [trace.headed - trace.due for trace in traces if trace.status == _REFUSED and trace.headed is not None]


def stood_in(traces: Sequence[Trace], model_calls: int) -> float:
    """The part of the whole answers for which the model was not asked: they quote pages, and say so."""
    answered = sum(not trace.error for trace in traces)
    return max(0, answered - model_calls) / max(1, answered)


def recovered(before: Sequence[Trace], after: Sequence[Trace]) -> dict[str, float]:
    """What a gentle schedule was like after an overload, against the same one before it.

    Raises:
        NobodyAnsweredError: One of them brought no answer at all.
    """
    sooner, later = (
        spread([trace.tokens[0] - trace.due for trace in traces if trace.tokens and not trace.error])
        for traces in (before, after)
    )
    if sooner is None or later is None:
        name, traces = ("before", before) if sooner is None else ("after", after)
        raise NobodyAnsweredError.of(f"The gentle schedule {name} the overload", traces)
    return {
        "errors, 5 s after": float(sum(bool(trace.error) for trace in after)),
        "first token p95, 5 s after, of before": later["p95"] / sooner["p95"],
    }


ROW: Final = Row(
    name="overload",
    title="Three times the peak of one worker for 60 s, open loop",
    figures=(
        Figure("refused, of those asking", "×"),
        Figure("503 with Retry-After, of the unanswered", "×", 1, least=True),
        Figure("refused in, p95", "ms", 50),
        Figure("refused in, p99", "ms", 50),
        Figure("goodput, of the peak", "×", 0.8, least=True),
        Figure("stand-ins, of the answered", "×"),
        Figure("errors, 5 s after", "", 0),
        Figure("first token p95, 5 s after, of before", "×", 1.2),
    ),
    measure=measure,
)

"""1,000 streams at once of a slow model, on two workers.

The gap is held against the model's own 200 ms, not against what a run straight to the stub shows: so the stub's and the
driver's lateness counts too, the figure is an upper bound of what Lectern adds, and no two percentiles of different
distributions are subtracted. What a run straight to the stub adds on the same schedule stands beside it.

The model cites nothing here (`nocite`): Lectern holds a citation back until it is whole, which is two gaps of the three
tokens that it comes as, and no lateness.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from loadtests import services, targets
from loadtests.bench.cost import processor_seconds
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.descriptors import make_room
from loadtests.openloop import NobodyAnsweredError, Run, drive, figures, gaps, spread
from loadtests.schedules import Exactly
from loadtests.services import Service
from loadtests.wire import Target, Trace

STREAMS: Final = 1000
TTFT_MS, GAP_MS, TOKENS = 500, 200, 60
_ARRIVAL_SECONDS = 10
_LEAST_TOKENS = 6
_WARM_UP = Exactly.of(20, 2)
_OWN_FILES = 200
"""Open files of a process besides those of streams; a stream has two in a worker: its reader's and the model's."""


def measure(options: Options) -> Sequence[Repetition]:
    """Both runs of each repetition, one after the other, on the same schedule."""
    streams = max(1, round(STREAMS * options.scale))
    make_room(2 * streams + _OWN_FILES)
    model = f"stub-ttft{TTFT_MS}-itl{GAP_MS}-len{max(_LEAST_TOKENS, round(TOKENS * options.scale))}-nocite"
    schedule = Exactly.of(streams, _ARRIVAL_SECONDS * options.scale)
    with services.stub() as stub, services.lectern(stub.url, model, WEB_CONCURRENCY="2") as lectern:
        asyncio.run(drive([targets.of_lectern(lectern.url)], _WARM_UP))
        return [_once(stub, lectern, model, schedule) for _ in range(options.repeat)]


def _once(stub: Service, lectern: Service, model: str, schedule: Exactly) -> Repetition:
    before = services.get(stub, "/stats")["requests"].get(model, 0)
    straight, straight_cost = _run(targets.of_stub(stub.url, model), schedule, {"stub": stub}, None)
    through, cost = _run(
        targets.of_lectern(lectern.url), schedule, {"stub": stub, "lectern": lectern}, f"{lectern.url}/health"
    )
    traces = through.traces["lectern"]
    found, own = figures(traces), figures(straight.traces["stub"])
    health = spread(through.health_seconds)
    reached = services.get(stub, "/stats")["requests"].get(model, 0) - before - len(straight.traces["stub"])
    if found["gap_ms"] is None or own["gap_ms"] is None or health is None:
        name, unanswered = ("stub", straight) if own["gap_ms"] is None else ("lectern", through)
        raise NobodyAnsweredError.of(name, unanswered.traces[name])
    values = {
        # An answer that quotes pages because the model was not asked is none of those that are counted here.
        "errors": float(sum(found["errors"].values()) + max(0, found["answered"] - reached)),
        "open at once, of all": most_at_once(traces) / schedule.count,
        "added gap p99": found["gap_ms"]["p99"] - GAP_MS,
        "added gap p99, straight to the stub": own["gap_ms"]["p99"] - GAP_MS,
        "`/health`, p99": health["p99"],
        "`/health`, failures": float(through.health_failures),
    }
    detail: dict[str, object] = {
        "lectern": found,
        "stub": own,
        "health_ms": health,
        "processor_seconds": cost,
        "processor_seconds_straight": straight_cost,
        "pss_bytes": lectern.pss_bytes(),
    }
    samples = {
        f"gap between two tokens: {name}": gaps_ms(run.traces[name])
        for name, run in (("lectern", through), ("stub", straight))
    }
    return Repetition(
        values, samples | {"health: lectern": [seconds * 1000 for seconds in through.health_seconds]}, detail
    )


def _run(
    target: Target, schedule: Exactly, taking_part: dict[str, Service], health: str | None
) -> tuple[Run, dict[str, Any]]:
    with processor_seconds(taking_part) as spent:
        run = asyncio.run(drive([target], schedule, health))
    return run, dict(spent)


def gaps_ms(traces: Sequence[Trace]) -> list[float]:
    """Every gap between two tokens of one whole answer."""
    return [seconds * 1000 for seconds in gaps([trace for trace in traces if not trace.error])]


def most_at_once(traces: Sequence[Trace]) -> int:
    """How many answers were open at the same moment at most, from head to end."""
    changes = [
        change
        for trace in traces
        if trace.headed is not None and trace.ended is not None
        for change in ((trace.headed, 1), (trace.ended, -1))
    ]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


ROW: Final = Row(
    name="thousand",
    title="1,000 concurrent streams (ttft 500 ms, a token every 200 ms, 60 of them), two workers",
    figures=(
        Figure("errors", "", 0),
        Figure("open at once, of all", "×", 0.99, least=True),
        Figure("added gap p99", "ms", 150),
        Figure("added gap p99, straight to the stub", "ms"),
        Figure("`/health`, p99", "ms", 250),
        Figure("`/health`, failures", "", 0),
    ),
    measure=measure,
)

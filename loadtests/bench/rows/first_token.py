"""What Lectern adds to the first token and costs for each one: sixty streams at once on one worker.

Questions arrive on a schedule at random moments, sixty a second, and an answer takes a second. A repetition has two
schedules, one after another; who begins changes:

- Lectern, the stub itself and the stub's embedding call, each at that rate, in turns;
- the bare relay and the stub itself, likewise.

The relay does not run beside Lectern, as the three and their driver would fill two cores, and all would wait.

**Added time** is the first token's through Lectern less the stub's own in the same schedule, percentile by percentile:
p99 less p99. Before it asks the model, Lectern asks the provider for the question's embedding; the same call, on kept
connections as Lectern's are, is measured in the same schedule and taken off likewise. Percentiles of a sum are not sums
of percentiles: rare delays of two calls seldom meet, so at p99 this takes off more than the call costs. The figures
"embedding included" take nothing off; the truth lies between.

**CPU a token** is all that the server's processes use during the schedule, whole turns with retrieval and saving, for
each token that the model sent. Frames are not counted, as one may carry several tokens.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtests import services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.openloop import NobodyAnsweredError, Run, Schedule, drive, figures, gaps, spread
from loadtests.services import Service
from loadtests.stub_model import parse
from loadtests.wire import Target

MODEL: Final = "stub-ttft200-itl20-len40"
STREAMS: Final = 60
_TOKENS: Final = parse(MODEL).length
_FIRST_MS: Final = parse(MODEL).ttft * 1000
_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Served:
    """A server, and all that one schedule asks: the server itself first."""

    service: Service
    asked: Sequence[Target]

    @property
    def name(self) -> str:
        return self.asked[0].name


@dataclass(frozen=True, slots=True)
class _Phase:
    """What one schedule came to."""

    run: Run
    found: dict[str, dict[str, Any]]
    cpu_us_a_token: float


def measure(options: Options) -> Sequence[Repetition]:
    """Every repetition, over one start of each."""
    with (
        services.stub() as stub,
        services.lectern(stub.url, MODEL, WEB_CONCURRENCY="1") as lectern,
        services.relay(stub.url, MODEL) as relay,
    ):
        itself = targets.of_stub(stub.url, MODEL)
        served = [
            _Served(lectern, (targets.of_lectern(lectern.url), itself, targets.of_embedding(stub.url))),
            _Served(relay, (targets.of_relay(relay.url), itself)),
        ]
        for one in served:
            asyncio.run(drive(one.asked, Schedule(rate=10, seconds=0.5)))
        return [_repetition(served[:: -1 if turn % 2 else 1], options.scale, turn) for turn in range(options.repeat)]


def _repetition(served: Sequence[_Served], scale: float, turn: int) -> Repetition:
    schedule = Schedule(max(5, STREAMS * scale), max(1, _SECONDS * scale), seed=turn + 1)
    phases = {one.name: _phase(one, schedule) for one in served}
    lectern, relay = phases["lectern"], phases["relay"]
    first, gaps = _added(lectern, "first_token_ms"), _added(lectern, "gap_ms")
    embedding = lectern.found["embedding"]["first_token_ms"]
    health = spread(lectern.run.health_seconds) or {}
    values = {
        "errors": float(sum(sum(found["errors"].values()) for one in phases.values() for found in one.found.values())),
        "added first token, p50": first["p50"] - embedding["p50"],
        "added first token, p99": first["p99"] - embedding["p99"],
        "added first token, embedding included, p50": first["p50"],
        "added first token, embedding included, p99": first["p99"],
        "added gap, p99": gaps["p99"],
        "CPU a token, of the relay's": lectern.cpu_us_a_token / relay.cpu_us_a_token,
        "CPU a token: Lectern": lectern.cpu_us_a_token,
        "CPU a token: relay": relay.cpu_us_a_token,
        "`/health`, p99": health["p99"],
        "`/health`, failures": float(lectern.run.health_failures),
    }
    return Repetition(values, _samples(phases), {name: phase.found for name, phase in phases.items()})


def _phase(served: _Served, schedule: Schedule) -> _Phase:
    before = served.service.cpu_seconds()
    run = asyncio.run(drive(served.asked, schedule, f"{served.service.url}/health"))
    used = served.service.cpu_seconds() - before
    found = {name: figures(traces) for name, traces in run.traces.items()}
    for name, one in found.items():
        if not one["answered"]:
            raise NobodyAnsweredError.of(name, run.traces[name])
    return _Phase(run, found, used * 1e6 / (found[served.name]["answered"] * _TOKENS))


def _added(phase: _Phase, times: str) -> dict[str, float]:
    mine, own = phase.found["lectern"][times], phase.found["stub"][times]
    return {percentile: mine[percentile] - own[percentile] for percentile in ("p50", "p99")}


def _samples(phases: dict[str, _Phase]) -> dict[str, list[float]]:
    """First tokens without the time that the model takes, which would hide the rest on a chart; and gaps."""
    samples: dict[str, list[float]] = {}
    for phase in phases.values():
        for name, traces in phase.run.traces.items():
            whole = [trace for trace in traces if not trace.error]
            first = [(trace.tokens[0] - trace.due) * 1000 for trace in whole]
            if name == "embedding":
                samples[f"{_FIRST_TOKEN}: {name}"] = first
                continue
            samples.setdefault(f"{_FIRST_TOKEN}: {name}", []).extend(milliseconds - _FIRST_MS for milliseconds in first)
            samples.setdefault(f"{_GAP}: {name}", []).extend(seconds * 1000 for seconds in gaps(whole))
    return samples


_FIRST_TOKEN: Final = f"first token, beyond the model's own {_FIRST_MS:.0f} ms"
_GAP: Final = "gap between two tokens"

ROW: Final = Row(
    name="first_token",
    title=f"{STREAMS} streams at once on one worker (`{MODEL}`), beyond the model's own time",
    figures=(
        Figure("errors", "", 0),
        Figure("added first token, p50", "ms", 10),
        Figure("added first token, p99", "ms", 50),
        Figure("added first token, embedding included, p50", "ms"),
        Figure("added first token, embedding included, p99", "ms"),
        Figure("added gap, p99", "ms"),
        Figure("CPU a token, of the relay's", "×", 0.6),
        Figure("CPU a token: Lectern", "µs"),
        Figure("CPU a token: relay", "µs"),
        Figure("`/health`, p99", "ms"),
        Figure("`/health`, failures", "", 0),
    ),
    measure=measure,
)

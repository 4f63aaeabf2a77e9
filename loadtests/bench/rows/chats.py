"""Fifty readers who chat at once, as streams and as JSON, beside fifty who ask the provider itself.

Each reader asks again as soon as it is answered, on a connection that it keeps; Lectern has as many workers as it plans
for the machine. The readers arrive within the length of one answer, as readers do, and no answer counts that ended
before all had come. The figures "all at once" are those of fifty who all ask in the same millisecond: then a turn waits
for the others' work before the model is asked, whoever serves, so it has no target but is told.

The stub is asked by as many readers in the same way, in turns with Lectern; who begins changes with each repetition.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests import services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.closedloop import Readers, Stage, drive
from loadtests.stub_model import parse
from loadtests.wire import Target

MODEL: Final = "stub-ttft200-itl20-len40"
READERS: Final = 50
_SECONDS: Final = 8.0
_WAYS: Final = ("SSE", "JSON")
_P95: Final = "p95, of the stub's"


@dataclass(frozen=True, slots=True)
class _Pair:
    """Lectern and the stub, asked in one way."""

    way: str
    lectern: Target
    stub: Target


def measure(options: Options) -> Sequence[Repetition]:
    """Every repetition, over one start of the stub and of Lectern."""
    with services.stub() as stub, services.lectern(stub.url, MODEL) as lectern:
        pairs = [
            _Pair(
                way,
                targets.of_lectern(lectern.url, stream=way == "SSE").kept(),
                targets.of_stub(stub.url, MODEL, stream=way == "SSE").kept(),
            )
            for way in _WAYS
        ]
        for pair in pairs:
            asyncio.run(drive(pair.lectern, Readers(4, 0.5)))
        return [_repetition(pairs, options.scale, lectern_first=bool(turn % 2)) for turn in range(options.repeat)]


def _repetition(pairs: Sequence[_Pair], scale: float, *, lectern_first: bool) -> Repetition:
    model = parse(MODEL)
    count = max(2, round(READERS * scale))
    steady = Readers(count, _SECONDS * scale, ramp_seconds=model.ttft + model.itl * model.length)
    burst = Readers(count, model.ttft / 2)  # before anybody is answered: one question each
    values: dict[str, float] = {"errors": 0}
    samples: dict[str, list[float]] = {}
    detail: dict[str, object] = {}
    for pair in pairs:
        for name, readers in ((f"{pair.way}: {_P95}", steady), (f"{pair.way}, all at once: {_P95}", burst)):
            stages = _both(pair, readers, lectern_first=lectern_first)
            values["errors"] += sum(stage.errors() for stage in stages.values())
            totals = {service: stage.total_ms() for service, stage in stages.items()}
            values[name] = totals["lectern"]["p95"] / totals["stub"]["p95"]
            detail[name] = {
                service: total | {"answered": stages[service].answered()} for service, total in totals.items()
            }
            if readers is steady:
                samples |= {f"whole answer, {pair.way}: {s}": [1000 * t for t in stages[s].totals()] for s in stages}
    return Repetition(values, samples, detail)


def _both(pair: _Pair, readers: Readers, *, lectern_first: bool) -> Mapping[str, Stage]:
    """One stage of each, in an order that changes with the repetition."""
    order = [pair.lectern, pair.stub]
    if not lectern_first:
        order.reverse()
    return {target.name: asyncio.run(drive(target, readers)) for target in order}


ROW: Final = Row(
    name="chats",
    title=f"{READERS} concurrent chats (`{MODEL}`): whole answers",
    figures=(
        Figure("errors", "", 0),
        *(Figure(f"{way}: {_P95}", "×", 1.15) for way in _WAYS),
        *(Figure(f"{way}, all at once: {_P95}", "×") for way in _WAYS),
    ),
    measure=measure,
)

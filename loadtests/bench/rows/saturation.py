"""How many JSON chats one worker answers a second when it has all it can do, beside the bare relay.

The relay is asked with `retrieve`: it, too, makes one embedding call and one search over vectors, but keeps nothing.
The model answers at once, so that only the services' own work counts. Both are asked in turns within each repetition,
and who begins changes. The driver and the stub run on the same cores: where these are the narrow place, both services
look alike, so answers for a second of the service's own processor time stand beside.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from loadtests import services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.closedloop import Readers, Stage, drive
from loadtests.services import Service
from loadtests.wire import Target

MODEL: Final = "stub-len40"
READERS: Final = 32
"""Enough that the worker is never idle, and below every limit of its own."""
_SECONDS: Final = 6.0


def measure(options: Options) -> Sequence[Repetition]:
    """Every repetition, over one start of each."""
    with (
        services.stub() as stub,
        services.lectern(stub.url, MODEL, WEB_CONCURRENCY="1") as lectern,
        services.relay(stub.url, MODEL) as relay,
    ):
        pair = [
            (targets.of_relay(relay.url, stream=False, retrieve=True).kept(), relay),
            (targets.of_lectern(lectern.url, stream=False).kept(), lectern),
        ]
        for target, _ in pair:
            asyncio.run(drive(target, Readers(4, 1)))
        return [_repetition(pair[:: 1 if turn % 2 else -1], options.scale) for turn in range(options.repeat)]


def _repetition(pair: Sequence[tuple[Target, Service]], scale: float) -> Repetition:
    readers = Readers(max(2, round(READERS * scale)), max(0.5, _SECONDS * scale), ramp_seconds=0.2)
    stages: dict[str, Stage] = {}
    cpu_seconds: dict[str, float] = {}
    for target, service in pair:
        before = service.cpu_seconds()
        stages[target.name] = asyncio.run(drive(target, readers))
        cpu_seconds[target.name] = service.cpu_seconds() - before
    totals = {name: stage.total_ms() for name, stage in stages.items()}
    rates = {name: stage.rate() for name, stage in stages.items()}
    per_cpu = {name: stage.answered() / cpu_seconds[name] for name, stage in stages.items()}
    values = {
        "errors": float(sum(stage.errors() for stage in stages.values())),
        "chats a second, of the relay's": rates["lectern"] / rates["relay"],
        "chats a second: Lectern": rates["lectern"],
        "chats a second: relay": rates["relay"],
        "chats for a second of CPU, of the relay's": per_cpu["lectern"] / per_cpu["relay"],
        "CPU a chat: Lectern": 1000 / per_cpu["lectern"],
        "CPU a chat: relay": 1000 / per_cpu["relay"],
    }
    return Repetition(values, detail=dict(totals))


ROW: Final = Row(
    name="saturation",
    title=f"JSON chats at saturation, {READERS} readers, one worker; the relay with one embedding call and one search",
    figures=(
        Figure("errors", "", 0),
        Figure("chats a second, of the relay's", "×", 0.8, least=True),
        Figure("chats a second: Lectern", "1/s"),
        Figure("chats a second: relay", "1/s"),
        Figure("chats for a second of CPU, of the relay's", "×"),
        Figure("CPU a chat: Lectern", "ms"),
        Figure("CPU a chat: relay", "ms"),
    ),
    measure=measure,
)

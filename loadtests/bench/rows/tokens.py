"""What one more token costs the server, apart from what a turn costs: processor time of long answers and of short ones.

A turn with retrieval and saving costs the same whether its answer is short or long, and a token costs the same in both.
Two models that differ in nothing but the length of their answers tell the two apart: what a long answer costs beyond a
short one is its further tokens', and what then remains of the short one is the turn's. The relay's turn has neither
retrieval nor saving, so only the tokens have a target.

Each service has a process a model. They are asked one after another by readers who read streams in a closed loop, each
answer to its end, so that the processor time of a stage belongs to a whole number of answers; who begins changes with
each repetition.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from loadtests import services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.closedloop import Readers, Stage, drive
from loadtests.openloop import NobodyAnsweredError
from loadtests.services import Service
from loadtests.stub_model import parse
from loadtests.wire import Target

SHORT: Final = "stub-ttft200-itl20-len40"
LONG: Final = "stub-ttft200-itl20-len240"
READERS: Final = 30
"""Few enough that the relay's worker keeps up: 1,500 tokens a second are less than half of what it can."""
_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class _Served:
    """A server, how it is asked, and how long its answers are."""

    service: Service
    target: Target
    tokens: int


@dataclass(frozen=True, slots=True)
class _Cost:
    """Processor time, in microseconds."""

    token: float
    turn: float


def measure(options: Options) -> Sequence[Repetition]:
    """Every repetition, over one start of each."""
    with ExitStack() as stack:
        stub = stack.enter_context(services.stub())
        starts: dict[str, Callable[[str], AbstractContextManager[_Served]]] = {
            "lectern": partial(_lectern, stub.url),
            "relay": partial(_relay, stub.url),
        }
        served = {
            name: [stack.enter_context(start(model)) for model in (SHORT, LONG)] for name, start in starts.items()
        }
        for one in (one for pair in served.values() for one in pair):
            asyncio.run(drive(one.target, Readers(2, 0.1)))
        return [_repetition(served, options.scale, lectern_first=bool(turn % 2)) for turn in range(options.repeat)]


@contextmanager
def _lectern(provider: str, model: str) -> Iterator[_Served]:
    with services.lectern(provider, model, WEB_CONCURRENCY="1") as service:
        yield _Served(service, targets.of_lectern(service.url).kept(), parse(model).length)


@contextmanager
def _relay(provider: str, model: str) -> Iterator[_Served]:
    with services.relay(provider, model) as service:
        yield _Served(service, targets.of_relay(service.url).kept(), parse(model).length)


def _repetition(served: dict[str, list[_Served]], scale: float, *, lectern_first: bool) -> Repetition:
    readers = Readers(max(2, round(READERS * scale)), _SECONDS * scale)
    costs: dict[str, _Cost] = {}
    errors = 0
    for name in sorted(served, reverse=not lectern_first):
        stages = [_stage(one, readers) for one in served[name]]
        errors += sum(stage.errors() for stage, _ in stages)
        costs[name] = cost(*((one.tokens, used) for one, (_, used) in zip(served[name], stages, strict=True)))
    lectern, relay = costs["lectern"], costs["relay"]
    values = {
        "errors": float(errors),
        "one more token, of the relay's": lectern.token / relay.token,
        "one more token: Lectern": lectern.token,
        "one more token: relay": relay.token,
        "a turn without its tokens: Lectern": lectern.turn / 1000,
        "a turn without its tokens: relay": relay.turn / 1000,
    }
    return Repetition(values)


def _stage(one: _Served, readers: Readers) -> tuple[Stage, float]:
    """What came of the readers, and the microseconds of processor time that each answer took."""
    before = one.service.cpu_seconds()
    stage = asyncio.run(drive(one.target, readers))
    used = one.service.cpu_seconds() - before
    if not stage.answered():
        raise NobodyAnsweredError.of(stage.target, stage.traces)
    return stage, used * 1e6 / stage.answered()


def cost(short: tuple[int, float], long: tuple[int, float]) -> _Cost:
    """A token's and a turn's part of two answers, each given as its tokens and its microseconds."""
    token = (long[1] - short[1]) / (long[0] - short[0])
    return _Cost(token, short[1] - token * short[0])


ROW: Final = Row(
    name="tokens",
    title="Processor time of one more streamed token, apart from the turn's own",
    figures=(
        Figure("errors", "", 0),
        Figure("one more token, of the relay's", "×", 0.6),
        Figure("one more token: Lectern", "µs"),
        Figure("one more token: relay", "µs"),
        Figure("a turn without its tokens: Lectern", "ms"),
        Figure("a turn without its tokens: relay", "ms"),
    ),
    measure=measure,
)

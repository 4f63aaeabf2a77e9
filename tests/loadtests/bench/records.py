"""Records of runs that never were, for tests of what is made of records."""

import datetime as dt

from loadtests.bench.machine import Machine
from loadtests.bench.record import Record, RowRecord
from loadtests.bench.row import Figure, Options, Repetition, Row

ERRORS = Figure("errors", "", 0)
WAIT = Figure("added wait, p50", "ms", 10)
RATE = Figure("chats a second, of the relay's", "×", 0.8, least=True)
COST = Figure("CPU a token", "µs")
MACHINE = Machine(cpu="A Processor", cores=2, memory_gib=7.8, kernel="Linux 6.1", load=0.25)


def a_row(*repetitions: Repetition, name: str = "chats") -> Row:
    """A row that comes to these repetitions, whatever its options."""

    def measure(options: Options) -> list[Repetition]:
        return list(repetitions)

    return Row(name, "Chats at once | of all", (ERRORS, WAIT, RATE, COST), measure)


def came_to(errors: float, wait: float, rate: float, cost: float, **samples: list[float]) -> Repetition:
    """One repetition with these values."""
    values = {ERRORS.name: errors, WAIT.name: wait, RATE.name: rate, COST.name: cost}
    return Repetition(values, {name.replace("_", " ").replace(" of ", ": "): times for name, times in samples.items()})


def a_record(*repetitions: Repetition, broken: str = "", scale: float = 1) -> Record:
    """A run of one such row, and of one that broke off if `broken` says why."""
    rows = [RowRecord.of(a_row(*repetitions), repetitions, 12.34)]
    if broken:
        rows.append(RowRecord("start", "Start to first answer", broken=broken))
    return Record(
        at=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        commit="0123456789ab",
        machine=MACHINE,
        versions={"python": "3.11.7", "uvicorn": "0.54.0"},
        repeat=len(repetitions),
        scale=scale,
        rows=tuple(rows),
    )

"""What a service's processes hold at a moment, and the series that follow from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from loadtests.soak.judgement import Series

MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds.

    Attributes:
        pid: The process.
        pss: Proportional set size, in bytes.
        descriptors: Open files, sockets, pipes.
        threads: Threads.
        connections: TCP sockets, listening ones included.
    """

    pid: int
    pss: int
    descriptors: int
    threads: int
    connections: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What all processes held, so many seconds after the start."""

    seconds: float
    processes: tuple[Held, ...]


QUANTITIES: Final[dict[str, Callable[[Held], float]]] = {
    "memory, MB": lambda held: held.pss / MB,
    "descriptors": lambda held: held.descriptors,
    "threads": lambda held: held.threads,
    "connections": lambda held: held.connections,
}
"""What is judged of all processes together."""


def take(seconds: float, first: int) -> Sample:
    """Look at a process and all below it; one that ends meanwhile is left out.

    Raises:
        RuntimeError: The first one is gone.
    """
    if not psutil.pid_exists(first):
        raise RuntimeError("The service has ended.")
    root = psutil.Process(first)
    held = []
    for process in (root, *root.children(recursive=True)):
        try:
            with process.oneshot():
                connections = len(process.net_connections(kind="tcp"))
                pss = process.memory_full_info().pss
                if pss:  # One that has ended and was not waited for yet holds nothing.
                    held.append(Held(process.pid, pss, process.num_fds(), process.num_threads(), connections))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            # Linux refuses a look at one that is about to end.
            continue
    return Sample(seconds, tuple(held))


def totals(samples: Sequence[Sample]) -> list[Series]:
    """Each quantity of all processes together."""
    return [
        Series(name, [(sample.seconds, sum(map(quantity, sample.processes))) for sample in samples])
        for name, quantity in QUANTITIES.items()
    ]


def lives(samples: Sequence[Sample]) -> dict[int, Series]:
    """The memory of each process by its id, in MB, from when it was first seen: replacing a worker hides its leak."""
    points: dict[int, list[tuple[float, float]]] = {}
    for sample in samples:
        for held in sample.processes:
            points.setdefault(held.pid, []).append((sample.seconds, held.pss / MB))
    return {pid: Series(f"memory of process {pid}, MB", line) for pid, line in points.items()}

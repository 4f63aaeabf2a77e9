"""What a measurement costs: processor time of every process that takes part, the driver included."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from loadtests.services import Service


@contextmanager
def processor_seconds(services: Mapping[str, Service]) -> Iterator[dict[str, float]]:
    """Processor seconds of the block by service, of this process as `driver`, and its length as `wall`.

    The dictionary is filled when the block ends.
    """
    spent: dict[str, float] = {}
    before = _now(services)
    yield spent
    spent |= {name: round(seconds - before[name], 4) for name, seconds in _now(services).items()}


def _now(services: Mapping[str, Service]) -> dict[str, float]:
    used = {name: service.cpu_seconds() for name, service in services.items()}
    return used | {"driver": time.process_time(), "wall": time.monotonic()}

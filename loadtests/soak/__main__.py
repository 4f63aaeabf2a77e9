"""`make soak`: Lectern with two workers for half an hour of steady readers, failing provider moments and new workers.

    python -m loadtests.soak [--seconds N] [--rate N] [--every N] [--report FOLDER]
    python -m loadtests.soak --url http://127.0.0.1:7860 --pid PID      # a server that runs already, on this machine

Exit code 0 when memory, descriptors, threads and connections are flat after the warm-up, in the whole service and in
each worker's own life, and no reader met an error; else 1. The samples go to a JSON file, the lines to a PNG.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from loadtests import services
from loadtests.services import ROOT
from loadtests.soak.chart import draw
from loadtests.soak.judgement import LEAST_SAMPLES, Allowance, Verdict, judge
from loadtests.soak.readers import Load, Outcomes, fail_now_and_then, read
from loadtests.soak.samples import Sample, lives, take, totals

MODEL: Final = "stub-ttft200-itl20-len40"
WARM_UP: Final = 0.2
"""Share of the run, and of a worker's life, that is left out: allocators and caches fill."""

LIVES: Final = 3
"""Lives of workers in a run: each long enough to show a slope, enough of them to show replacements."""

ALLOWED: Final = {
    "memory, MB": Allowance(share_an_hour=0.05, rise=4.0),
    "descriptors": Allowance(share_an_hour=0.05, rise=8.0),
    "threads": Allowance(share_an_hour=0.05, rise=3.0),
    "connections": Allowance(share_an_hour=0.10, rise=8.0),
}
"""A twentieth of 150 MB an hour is a restart a day on a machine of 512 MB; the rises are what replacing a worker, an
allocator's arenas and readers who come in bunches move without any leak."""

ALLOWED_OF_ONE: Final = Allowance(share_an_hour=0.10, rise=6.0)
"""Of one process's memory, whose life is shorter: measured, a worker grows by 2 to 4 MB over its first two thousand
answers, and by none over the four thousand after them."""


def main() -> int:
    """Run, judge, write, print."""
    arguments = _arguments()
    pause = max(10.0, arguments.seconds / 30)
    load = Load(rate=arguments.rate, outage_every_seconds=pause, outage_seconds=pause / 12)
    arguments.report.mkdir(parents=True, exist_ok=True)
    with _service(arguments) as (url, pid, provider):
        watching = watch(url, pid, load, provider=provider, seconds=arguments.seconds, every=arguments.every)
        try:
            samples, outcomes = asyncio.run(watching)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    verdicts = judged(samples, arguments.seconds)
    flat = all(verdict.flat for verdict in verdicts)
    record = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "seconds": arguments.seconds,
        "load": asdict(load),
        "outcomes": asdict(outcomes),
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "samples": [asdict(sample) for sample in samples],
    }
    (arguments.report / "soak.json").write_text(json.dumps(record), encoding="utf-8")
    draw(samples, verdicts, WARM_UP * arguments.seconds, arguments.report / "soak.png")
    print(*verdicts, sep="\n")
    print(
        f"{'answered' if not outcomes.errors else 'ERRORS':<10}{outcomes.answered} answers, {outcomes.left} left "
        f"half-way, {outcomes.outages} outages of the provider, errors: {dict(outcomes.errors) or 'none'}"
    )
    print(f"Report: {arguments.report / 'soak.png'}")
    return 0 if flat and not outcomes.errors else 1


async def watch(
    url: str, pid: int, load: Load, *, provider: str | None = None, seconds: float, every: float
) -> tuple[list[Sample], Outcomes]:
    """Put a service under load for so many seconds, and look at its processes all the while.

    Raises:
        RuntimeError: The service ended.
    """
    outcomes, samples = Outcomes(), list[Sample]()
    failing = asyncio.create_task(fail_now_and_then(provider, load, outcomes)) if provider else None
    reading = asyncio.create_task(read(url, load, seconds, outcomes))
    began = time.monotonic()
    try:
        # Counted from the start: a look takes its time, and the next one must not come later for it.
        for number in range(int(seconds / every) + 1):
            await asyncio.sleep(max(0.0, began + number * every - time.monotonic()))
            samples.append(await asyncio.to_thread(take, time.monotonic() - began, pid))
        await reading
    finally:
        reading.cancel()
        if failing is not None:
            failing.cancel()
    return samples, outcomes


def judged(samples: Sequence[Sample], seconds: float) -> list[Verdict]:
    """The verdicts on the whole service, then on each process that was seen long enough."""
    verdicts = [judge(series.after(WARM_UP * seconds), ALLOWED[series.name]) for series in totals(samples)]
    for series in lives(samples).values():
        born, ended = series.points[0][0], series.points[-1][0]
        grown = series.after(born + max(WARM_UP * (ended - born), WARM_UP * seconds / LIVES))
        if len(grown.points) >= LEAST_SAMPLES:
            verdicts.append(judge(grown, ALLOWED_OF_ONE))
    return verdicts


@contextmanager
def _service(arguments: argparse.Namespace) -> Iterator[tuple[str, int, str | None]]:
    """The address, first process and provider of what is watched."""
    if arguments.url:
        yield arguments.url, arguments.pid, None
        return
    requests = max(10, int(arguments.rate * arguments.seconds / arguments.workers / LIVES))
    env = {"WEB_CONCURRENCY": str(arguments.workers), "MAX_REQUESTS": str(requests)}
    with services.stub() as stub, services.lectern(stub.url, MODEL, **env) as lectern:
        yield lectern.url, lectern.pid, stub.url


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1800")), help="length (1800)")
    parser.add_argument("--rate", type=float, default=5, help="readers a second (5)")
    parser.add_argument("--every", type=float, help="seconds between two samples (10, or a 20th of a short run)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--url", help="watch this server instead of one of its own")
    parser.add_argument("--pid", type=int, help="its first process, with --url")
    parser.add_argument("--report", type=Path, default=ROOT / "data" / "load")
    arguments = parser.parse_args()
    if bool(arguments.url) != bool(arguments.pid):
        parser.error("--url and --pid go together")
    arguments.every = arguments.every or min(10.0, arguments.seconds / 20)
    return arguments


if __name__ == "__main__":
    sys.exit(main())

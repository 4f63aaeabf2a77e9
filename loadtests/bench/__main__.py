"""`make bench`: Lectern with one worker, a bare relay and the stub itself, on one schedule, on the same machine.

    python -m loadtests.bench [--rate N] [--seconds N] [--repeat N] [--out FILE]

What it prints are ratios of one run; single figures of a busy machine mean little. Added time to the first token is
Lectern's less the stub's, percentile by percentile. The figures of every repetition go to a JSON file.
"""

import argparse
import asyncio
import json
import platform
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loadtests import services, targets
from loadtests.openloop import Run, Schedule, drive, figures, spread
from loadtests.services import ROOT, Service
from loadtests.wire import Target

MODEL = "stub-ttft200-itl20-len40"
_WARM_UP = Schedule(rate=5, seconds=2)


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20, help="answers a second of each of the three")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "load" / "bench.json")
    arguments = parser.parse_args()
    schedule = Schedule(arguments.rate, arguments.seconds)
    with ExitStack() as stack:
        stub = stack.enter_context(services.stub())
        lectern = stack.enter_context(services.lectern(stub.url, MODEL, WEB_CONCURRENCY="1"))
        relay = stack.enter_context(services.relay(stub.url, MODEL))
        asked = [targets.of_lectern(lectern.url), targets.of_relay(relay.url), targets.of_stub(stub.url, MODEL)]
        asyncio.run(drive(asked, _WARM_UP))
        idle = {"lectern": lectern.pss_bytes(), "relay": relay.pss_bytes()}
        repetitions = [measure(asked, schedule, lectern, relay) for _ in range(arguments.repeat)]
    record = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "model": MODEL,
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "pss_bytes": idle,
        "repetitions": repetitions,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1), encoding="utf-8")
    print(report(repetitions))
    print(f"Figures: {arguments.out}")


def measure(asked: Sequence[Target], schedule: Schedule, lectern: Service, relay: Service) -> dict[str, Any]:
    """One repetition: the figures of each target, processor time a token, and `/health` all through."""
    before = {"lectern": lectern.cpu_seconds(), "relay": relay.cpu_seconds()}
    run: Run = asyncio.run(drive(asked, schedule, f"{lectern.url}/health"))
    used = {"lectern": lectern.cpu_seconds() - before["lectern"], "relay": relay.cpu_seconds() - before["relay"]}
    found = {name: figures(traces) for name, traces in run.traces.items()}
    for name, seconds in used.items():
        found[name]["cpu_us_a_token"] = round(seconds / max(1, found[name]["tokens"]) * 1e6, 1)
    health = spread(run.health_seconds)
    return found | {"health": {"ms": health, "failures": run.health_failures}}


def report(repetitions: Sequence[dict[str, Any]]) -> str:
    """The ratios, each as median and range over the repetitions."""
    rows = {
        "errors": [
            sum(sum(run[name]["errors"].values()) for name in ("lectern", "relay", "stub")) for run in repetitions
        ],
        "added first token, p50 ms": [_added(run, "p50") for run in repetitions],
        "added first token, p99 ms": [_added(run, "p99") for run in repetitions],
        "total p95, of the stub's": [
            run["lectern"]["total_ms"]["p95"] / run["stub"]["total_ms"]["p95"] for run in repetitions
        ],
        "CPU a token, of the relay's": [
            run["lectern"]["cpu_us_a_token"] / run["relay"]["cpu_us_a_token"] for run in repetitions
        ],
        "/health p99 ms": [run["health"]["ms"]["p99"] for run in repetitions],
    }
    return "\n".join(
        f"{name:<30}{statistics.median(values):>9.2f}   ({min(values):.2f} to {max(values):.2f})"
        for name, values in rows.items()
    )


def _added(run: dict[str, Any], percentile: str) -> float:
    added: float = run["lectern"]["first_token_ms"][percentile] - run["stub"]["first_token_ms"][percentile]
    return added


if __name__ == "__main__":
    main()

"""Worker plans of real containers: what `--cpus`, `--memory` and affinity look like from inside."""

import re

import pytest
from tests.image.containers import IMAGE, podman

PLAN = (
    "from lectern.serving.limits import read_limits; from lectern.serving.plan import plan; "
    "print(plan(read_limits()).sentences[0])"
)


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (("--cpus=1.5",), r"2 workers: 1\.5 CPUs \(cgroup v[12]\)\."),
        (("--cpus=0.5",), r"2 workers: 0\.5 CPUs \(cgroup v[12]\), but one must serve while the other is replaced\."),
        (("--cpus=1.5", "--memory=256m"), r"1 worker: 256 MiB of memory \(cgroup v[12]\) has no room for the 2 that"),
        (("--cpuset-cpus=0",), r"2 workers: 1 CPU \(CPU affinity\), but one must serve"),
        (("--cpus=1.5", "--env=CPU_CORES=1"), r"2 workers: 1 CPU \(CPU_CORES\), but one must serve"),
        (("--memory=2g", "--env=MEMORY=256Mi"), r"1 worker: 256 MiB of memory \(MEMORY\) has no room"),
        ((), r"\d+ workers: [\d.]+ CPUs? \(CPU affinity\)"),
    ],
    ids=lambda value: " ".join(value) or "no limit" if isinstance(value, tuple) else "",
)
def test_a_containers_limits_are_seen_inside(options: tuple[str, ...], because: str) -> None:
    """Quota, memory, affinity and a Space's variables each decide the plan where they are the tightest."""
    command = ("run", "--rm", "--network=none", "--env=PYTHONPATH=/app/src", "--entrypoint=python", *options, IMAGE)
    shown = podman(*command, "-c", PLAN)
    assert re.match(because, shown), shown

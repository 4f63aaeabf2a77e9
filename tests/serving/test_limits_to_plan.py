"""From what a machine says of its limits to the number of workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serving.machines import PERIOD, QUOTA, V1_CPU, V1_MEMORY, V2, read
from tests.serving.servers import ROOT

from lectern.serving.plan import plan

MB = 2**20


@pytest.mark.parametrize(
    ("mounts", "own", "files", "environ", "sentence"),
    [
        pytest.param(
            V1_CPU + V1_MEMORY,
            "4:cpu,cpuacct:/\n3:memory:/\n",
            {QUOTA: "150000", PERIOD: "100000", "memory/memory.limit_in_bytes": str(512 * MB)},
            {},
            "2 workers: 1.5 CPUs (cgroup v1).",
            id="cgroup v1",
        ),
        pytest.param(
            V2,
            "0::/\n",
            {"cpu.max": "300000 100000", "memory.max": str(16 * 1024 * MB)},
            {},
            "3 workers: 3 CPUs (cgroup v2).",
            id="cgroup v2",
        ),
        pytest.param(
            V2,
            "0::/pod/container\n",
            {
                "pod/cpu.max": "250000 100000",
                "pod/memory.max": str(256 * MB),
                "pod/container/cpu.max": "600000 100000",
                "pod/container/memory.max": "max",
            },
            {},
            "1 worker: 256 MiB of memory (cgroup v2) has no room for the 3 that 2.5 CPUs (cgroup v2) would carry.",
            id="nested, the pod tighter than its container",
        ),
        pytest.param(
            V2,
            "0::/\n",
            {"cpu.max": "max 100000", "memory.max": "max"},
            {"CPU_CORES": "2", "MEMORY": "16Gi"},
            "2 workers: 2 CPUs (CPU_CORES).",
            id="a Space that says what it gives, on a host that does not",
        ),
        pytest.param(
            V2,
            "0::/\n",
            {"cpu.max": "max 100000", "memory.max": "max"},
            {},
            "8 workers: 8 CPUs (CPU affinity).",
            id="no limit",
        ),
    ],
)
def test_a_machine_becomes_a_plan(
    tmp_path: Path, *, mounts: str, own: str, files: dict[str, str], environ: dict[str, str], sentence: str
) -> None:
    """From the kernel's files and a Space's variables to the number of workers and the limit that decided it."""
    assert plan(read(tmp_path, mounts, own, files, environ)).sentences[0] == sentence


def test_a_process_that_may_use_one_cpu_plans_for_one() -> None:
    """The real affinity of a process counts, not the machine's CPUs."""
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from lectern.serving.limits import read_limits; print(read_limits(environ={}).cpus[0])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "Source(name='CPU affinity', value=1)\n"

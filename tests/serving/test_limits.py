"""Container limits, read from made-up file systems."""

import os
from pathlib import Path

import pytest
from tests.serving.machines import PERIOD, QUOTA, V1_CPU, V1_MEMORY, V2, read

from lectern.serving.limits import Source, read_limits


@pytest.mark.parametrize(
    ("mounts", "own", "files", "cpus", "memory"),
    [
        pytest.param(V2, "0::/\n", {"cpu.max": "200000 100000\n", "memory.max": "1073741824\n"}, 2, 2**30, id="v2"),
        pytest.param(
            V2,
            "0::/a/b\n",
            {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000", "a/memory.max": "99", "a/b/memory.max": "max"},
            1.5,
            99,
            id="v2 on an ancestor",
        ),
        pytest.param(
            V2,
            "0::/a/b\n",
            {"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 100000"},
            0.5,
            None,
            id="v2 leaf below a wider ancestor",
        ),
        pytest.param(V2, "0::/kubepods/x\n", {"cpu.max": "50000 100000"}, 0.5, None, id="host path not visible inside"),
        pytest.param(V2, "0::/../../other\n", {"cpu.max": "50000 100000"}, 0.5, None, id="outside the namespace"),
        pytest.param(V2, "0::/\n", {"cpu.max": "max 100000", "memory.max": "max"}, 8, None, id="v2 without limits"),
        pytest.param(V2, "0::/\n", {"cpu.max": "lots", "memory.max": ""}, 8, None, id="v2 files that make no sense"),
        pytest.param(
            V1_CPU + V1_MEMORY,
            "4:cpu,cpuacct:/\n3:memory:/\n",
            {QUOTA: "200000", PERIOD: "100000", "memory/memory.limit_in_bytes": "536870912"},
            2,
            2**29,
            id="v1",
        ),
        pytest.param(
            V1_CPU.replace("0:27 / ", "0:27 /docker/abc "),
            "4:cpu,cpuacct:/docker/abc\n",
            {QUOTA: "250000", PERIOD: "100000"},
            2.5,
            None,
            id="v1 mounted from the host's path",
        ),
        pytest.param(
            V1_CPU.replace("0:27 / ", "0:27 /docker/ab "),
            "4:cpu,cpuacct:/docker/abc\n",
            {QUOTA: "100000", PERIOD: "100000"},
            1,
            None,
            id="v1 path that only looks like the mount's",
        ),
        pytest.param(
            V1_CPU + V1_MEMORY,
            "4:cpu,cpuacct:/\n3:memory:/\n",
            {QUOTA: "-1", PERIOD: "100000", "memory/memory.limit_in_bytes": "9223372036854771712"},
            8,
            None,
            id="v1 without limits",
        ),
        pytest.param(
            V1_CPU + V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
            "4:cpu,cpuacct:/\n0::/x\n",
            {QUOTA: "300000", PERIOD: "100000", "unified/x/memory.max": "77"},
            3,
            77,
            id="both versions mounted",
        ),
        pytest.param(
            V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/with\\040blank"),
            "0::/\n",
            {"with blank/cpu.max": "100000 100000"},
            1,
            None,
            id="a blank in the mount point",
        ),
        pytest.param("nonsense\n", "nonsense\n", {}, 8, None, id="nothing readable"),
    ],
)
def test_the_smallest_limit_over_all_ancestors_counts(
    tmp_path: Path, *, mounts: str, own: str, files: dict[str, str], cpus: float, memory: float | None
) -> None:
    """Whatever way limits are mounted, the smallest quota and memory limit are found, and none is invented."""
    limits = read(tmp_path, mounts, own, files)
    assert limits.cpu.value == cpus
    assert (limits.smallest_memory.value if limits.smallest_memory else None) == memory


def test_every_source_keeps_its_value_for_the_report(tmp_path: Path) -> None:
    """Affinity, quota, the machine's memory and the Space's variables all stand in the result with their names."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16384 kB\nMemFree: 1 kB\n")
    limits = read(
        tmp_path,
        V2,
        "0::/\n",
        {"cpu.max": "400000 100000", "memory.max": "4096"},
        {"CPU_CORES": "2", "MEMORY": "15Gi"},
    )
    assert limits.cpus == (Source("CPU affinity", 8), Source("cgroup v2", 4), Source("CPU_CORES", 2))
    assert limits.memory == (Source("cgroup v2", 4096), Source("machine", 2**24), Source("MEMORY", 15 * 2**30))


@pytest.mark.parametrize(
    ("held", "size"),
    [
        ("15Gi", 15 * 2**30),
        ("512Mi", 2**29),
        ("0.5Gi", 2**29),
        ("16GB", 16e9),
        ("256m", 256e6),
        ("1073741824", 2**30),
        (" 2 Gi ", 2**31),
    ],
)
def test_memory_is_read_with_and_without_a_unit(tmp_path: Path, held: str, size: float) -> None:
    """`MEMORY` is understood in decimal and binary units and as plain bytes."""
    assert read_limits(tmp_path, {"MEMORY": held}, Source("x", 1)).memory == (Source("MEMORY", size),)


@pytest.mark.parametrize("held", ["lots", "15 apples", "-1Gi", "16", "0", "Gi", "1e400", "٣Gi"])
def test_memory_that_makes_no_sense_is_ignored_and_said(tmp_path: Path, held: str) -> None:
    """Garbage in `MEMORY` changes nothing and is named."""
    limits = read_limits(tmp_path, {"MEMORY": held}, Source("x", 1))
    assert limits.memory == ()
    assert [sentence for sentence in limits.ignored if "MEMORY" in sentence and held in sentence]


@pytest.mark.parametrize("held", ["many", "-2", "0", "nan", "inf"])
def test_cores_that_make_no_sense_are_ignored_and_said(tmp_path: Path, held: str) -> None:
    """Garbage in `CPU_CORES` changes nothing and is named."""
    limits = read_limits(tmp_path, {"CPU_CORES": held}, Source("x", 1))
    assert limits.cpus == (Source("x", 1),)
    assert [sentence for sentence in limits.ignored if "CPU_CORES" in sentence and held in sentence]


def test_unset_variables_are_not_worth_a_word(tmp_path: Path) -> None:
    """Without the Space's variables nothing is said about them."""
    assert read_limits(tmp_path, {"MEMORY": " "}, Source("x", 1)).ignored == ()


def test_a_system_without_affinity_counts_the_machines_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside Linux, where there is neither affinity nor a control group, the machine's CPUs are the limit."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert read_limits(tmp_path, {}).cpus == (Source("machine", 6),)


def test_this_machine_can_be_read() -> None:
    """On the machine at hand at least one CPU is found."""
    assert read_limits().cpu.value > 0

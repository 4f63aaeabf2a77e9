"""Made-up machines: the files from which a kernel's limits are read."""

from pathlib import Path

from lectern.serving.limits import Limits, Source, read_limits

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"
V1_CPU = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
V1_MEMORY = "32 30 0:28 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
QUOTA, PERIOD = "cpu,cpuacct/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_period_us"


def read(root: Path, mounts: str, own: str, files: dict[str, str], environ: dict[str, str] | None = None) -> Limits:
    """The limits of a machine with eight visible CPUs; `files` are below `/sys/fs/cgroup`."""
    proc = root / "proc/self"
    proc.mkdir(parents=True)
    (proc / "mountinfo").write_text(mounts)
    (proc / "cgroup").write_text(own)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_limits(root, environ or {}, Source("CPU affinity", 8))

"""What this machine gives: folders that can be written, room on disk and in memory, descriptors.

All of it blocks; `run_aside` is how it is called from a loop.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lectern.ops.findings import Finding
from lectern.serving.cgroups import groups, read_text
from lectern.serving.descriptors import allowed
from lectern.serving.limits import Limits
from lectern.serving.plan import MASTER_BYTES, TARGET_STREAMS, WORKER_BYTES, Plan

LEAST_DESCRIPTORS: Final = 4 * TARGET_STREAMS + 256
"""A stream holds its reader's connection and the provider's; as many again for those that begin and end."""

_LEAST_DISK_BYTES: Final = 1 << 24
_REMOTE: Final = frozenset(("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre", "afs", "beegfs"))
_LOCAL_FUSE: Final = frozenset(("fuse.fuse-overlayfs", "fuseblk"))


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that Lectern writes to.

    Attributes:
        name: What it is called in the report.
        path: Where; it need not exist yet.
        needed: Whether nothing goes without it.
        use: What it is for.
        fix: What to do when it cannot be written.
    """

    name: str
    path: Path
    needed: bool
    use: str
    fix: str


def examine_folder(folder: Folder) -> list[Finding]:
    """Write a file and sync it; where the folder is still to be made, in the folder that it will be made in."""
    there = _nearest(folder.path)
    state = "" if there == folder.path else ", still to be made"
    try:
        with tempfile.NamedTemporaryFile(prefix=".lectern-check-", dir=there) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        owner = f"this is user {os.getuid()}"
        found = f"{folder.path} cannot be written: {(error.strerror or type(error).__name__).lower()} ({owner})"
        return [Finding(f"write {folder.name}", "fail" if folder.needed else "warn", found, folder.fix)]
    return [Finding(f"write {folder.name}", "ok", f"{folder.path}{state}: {folder.use}")]


def examine_disk(path: Path, wanted: int) -> list[Finding]:
    """Whether the disk of a folder has room.

    Args:
        path: The folder; it need not exist yet.
        wanted: Bytes that Lectern may want there.
    """
    free = shutil.disk_usage(_nearest(path)).free
    found = f"{size(free)} free where {path} is, up to {size(wanted)} wanted"
    if free < _LEAST_DISK_BYTES:
        return [Finding("disk", "fail", found, "Free some room, or set DATA_DIR to a larger disk.")]
    if free < wanted:
        return [Finding("disk", "warn", found, "Free some room, set DATA_DIR to a larger disk, or lower OUTBOX_BYTES.")]
    return [Finding("disk", "ok", found)]


def examine_memory(limits: Limits, plan: Plan, *, serving: bool, root: Path = Path("/")) -> list[Finding]:
    """Whether the planned workers fit into the memory that is left.

    Args:
        limits: What the container allows.
        plan: How the server is sized.
        serving: Whether it is up already, so that its own memory is taken.
        root: The file system's root; tests hand in a folder.
    """
    free = min(_free_memory(root), default=None)
    if free is None:
        return [Finding("memory", "skipped", "this system does not say how much is left")]
    wanted = WORKER_BYTES if serving else MASTER_BYTES + plan.workers * WORKER_BYTES
    limit = limits.smallest_memory
    of = f" of {size(limit.value)} ({limit.name})" if limit else ""
    why = "one more worker" if serving else f"{plan.workers} worker{'' if plan.workers == 1 else 's'}"
    found = f"{size(free)} left{of}, up to {size(wanted)} wanted for {why}"
    if free < wanted:
        return [Finding("memory", "warn", found, "Give the container more memory, or lower WEB_CONCURRENCY.")]
    return [Finding("memory", "ok", found)]


def examine_descriptors() -> list[Finding]:
    """Whether a worker may open as many files and connections as its load needs."""
    most = allowed()
    found = f"{most} a process"
    if most < LEAST_DESCRIPTORS:
        fix = "Raise the hard limit before the start: ulimit -Hn 4096 as root, or docker run --ulimit nofile=4096."
        return [Finding("descriptors", "warn", f"{found}, {LEAST_DESCRIPTORS} wanted", fix)]
    return [Finding("descriptors", "ok", found)]


def examine_plan(limits: Limits, plan: Plan) -> list[Finding]:
    """How many workers, connections and threads, and why."""
    found = " ".join(plan.sentences)
    if limits.ignored:
        return [Finding("workers", "warn", found, "Correct or remove the variables that are ignored.")]
    return [Finding("workers", "ok", found)]


def remote_filesystem(path: Path, root: Path = Path("/")) -> str | None:
    """The kind of a file system that is not on this machine's own disks, such as `nfs4` or `fuse.s3fs`; else None.

    Args:
        path: A file or folder; it need not exist.
        root: The file system's root; tests hand in a folder.
    """
    wanted, kind, longest = path.resolve(), "", -1
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        point = Path(left.split(" ")[4].replace("\\040", " ")) if left.count(" ") > 4 else None  # noqa: PLR2004
        if point and wanted.is_relative_to(point) and len(point.parts) >= longest:
            kind, longest = right.partition(" ")[0], len(point.parts)
    remote = kind in _REMOTE or (kind.startswith("fuse") and kind not in _LOCAL_FUSE)
    return kind if remote else None


def size(count: float) -> str:
    """A number of bytes, for people."""
    for unit, bytes_ in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= bytes_:
            return f"{count / bytes_:.3g} {unit}" if count < 1000 * bytes_ else f"{count / bytes_:.0f} {unit}"
    return f"{count / 1024:.0f} KiB"


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there and may be seen."""
    # os.path's answer is no where a folder on the way may not be entered; pathlib's is an error.
    return next(place for place in (path, *path.absolute().parents) if os.path.exists(place))  # noqa: PTH110 - see above


def _free_memory(root: Path) -> Iterator[float]:
    """Bytes that can still be taken: of the machine, and of each control group that has a limit."""
    for line in read_text(root / "proc/meminfo").splitlines():
        words = line.split()
        if words[:1] == ["MemAvailable:"] and len(words) > 1 and words[1].isdecimal():
            yield int(words[1]) * 1024
    for chain in groups(root, "memory"):
        for group in chain:
            names = ("memory.max", "memory.current", "inactive_file")
            if group.version == 1:
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            limit, used = group.read(names[0]), group.read(names[1])
            if limit and used and limit[0].isdecimal() and used[0].isdecimal() and int(limit[0]) < 1 << 60:
                stat = group.read("memory.stat")
                # Page cache that nobody uses counts as used, and is given back when it is wanted.
                cache = int(stat[stat.index(names[2]) + 1]) if names[2] in stat[:-1] else 0
                yield max(0, int(limit[0]) - int(used[0]) + cache)

"""What the machine gives: folders, disk, memory, descriptors, mounts, packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lectern.ops.machine import (
    Folder,
    examine_disk,
    examine_folder,
    examine_memory,
    examine_plan,
    remote_filesystem,
    size,
)
from lectern.ops.packages import examine_python
from lectern.serving.limits import Limits, Source
from lectern.serving.plan import plan

LIMITS = Limits((Source("machine", 2),), (Source("cgroup v2", 512 << 20),))


def folder(path: Path, *, needed: bool = True) -> Folder:
    """A folder to write to."""
    return Folder("DATA_DIR", path, needed=needed, use="the index", fix="chown it")


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    """Also one that is still to be made: it is not made."""
    [finding] = examine_folder(folder(tmp_path))
    assert (finding.name, finding.state, finding.found) == ("write DATA_DIR", "ok", f"{tmp_path}: the index")
    [finding] = examine_folder(folder(tmp_path / "a" / "b"))
    assert (finding.state, "still to be made" in finding.found) == ("ok", True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("needed", "state"), [(True, "fail"), (False, "warn")])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, state: str, *, needed: bool) -> None:
    """With the user who tried, whoever that is; root may write everywhere but below a file."""
    (tmp_path / "file").touch()
    [finding] = examine_folder(folder(tmp_path / "file" / "data", needed=needed))
    assert (finding.state, finding.fix) == (state, "chown it")
    assert f"cannot be written: not a directory (this is user {os.getuid()})" in finding.found


def test_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    """As in an image whose files are root's; the process gives up its rights, if it has any."""
    tmp_path.chmod(0o755)
    (tmp_path / "locked").mkdir(mode=0o700 if os.getuid() == 0 else 0o500)
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from lectern.ops.machine import Folder, examine_disk, examine_folder\n"
        "if os.getuid() == 0: os.setuid(65534)\npath = Path(sys.argv[1])\n"
        "print(examine_folder(Folder('DATA_DIR', path, True, 'x', 'chown it')), examine_disk(path, 1)[0].state)"
    )
    path = tmp_path / "locked" / "data"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=30, check=True)
    assert "state='fail'" in done.stdout
    assert "cannot be written: permission denied" in done.stdout
    assert done.stdout.rstrip().endswith(" ok")


def test_a_disk_with_too_little_room_is_named(tmp_path: Path) -> None:
    """What is free, and what is wanted."""
    assert examine_disk(tmp_path / "new", 1)[0].state == "ok"
    [finding] = examine_disk(tmp_path, 1 << 60)
    assert (finding.state, "OUTBOX_BYTES" in finding.fix) == ("warn", True)


def machine(root: Path, *, available: int, limit: int, used: int, cache: int) -> Path:
    """A file system whose kernel says this of memory, in MiB, as control groups version 2 do."""
    files = {
        "proc/meminfo": f"MemTotal: 9999999 kB\nMemAvailable: {available * 1024} kB\n",
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "sys/fs/cgroup/memory.max": str(limit << 20),
        "sys/fs/cgroup/memory.current": str(used << 20),
        "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {cache << 20}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("available", "used", "serving", "state", "found"),
    [
        (4000, 100, False, "ok", "462 MiB left of 512 MiB"),
        (200, 100, False, "warn", "200 MiB left"),
        (4000, 450, False, "warn", "112 MiB left"),
        (4000, 450, True, "ok", "one more worker"),
        (4000, 510, True, "warn", "52 MiB left"),
    ],
)
def test_memory_is_compared_with_the_plan(
    tmp_path: Path, available: int, used: int, state: str, found: str, *, serving: bool
) -> None:
    """The tighter of machine and container counts, page cache that can be given back does not."""
    root = machine(tmp_path, available=available, limit=512, used=used, cache=50)
    [finding] = examine_memory(LIMITS, plan(LIMITS), serving=serving, root=root)
    assert finding.state == state
    assert found in finding.found


def test_a_system_that_says_nothing_of_memory_is_skipped(tmp_path: Path) -> None:
    """As on a Mac."""
    assert examine_memory(LIMITS, plan(LIMITS), serving=False, root=tmp_path)[0].state == "skipped"


@pytest.mark.parametrize(("most", "state"), [(256, "warn"), (4096, "ok")])
def test_descriptors_are_counted(most: int, state: str) -> None:
    """By the limit that the server may raise its own to."""
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, {most}))\n"
        "from lectern.ops.machine import examine_descriptors as e\nprint(*e())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert f"state='{state}'" in done.stdout
    assert ("ulimit -Hn" in done.stdout) == (state == "warn")


def test_the_plan_is_told_with_what_was_ignored() -> None:
    """A variable that means nothing is pointed at."""
    assert "2 workers" in examine_plan(LIMITS, plan(LIMITS))[0].found
    odd = Limits(LIMITS.cpus, LIMITS.memory, ("CPU_CORES held 'many', which says nothing; it is ignored.",))
    [finding] = examine_plan(odd, plan(odd))
    assert (finding.state, "CPU_CORES held" in finding.found) == ("warn", True)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/x.sqlite3", "fuse.hf-mount"),
        ("/data/local/x", None),
        ("/mnt/my disk/x", "nfs4"),
        ("/home/x", None),
        ("/database/x", None),
    ],
)
def test_a_mount_from_elsewhere_is_known(tmp_path: Path, path: str, kind: str | None) -> None:
    """By the longest mount point; a container's own overlay is none."""
    mounts = (
        "1 0 0:1 / / rw - fuse.fuse-overlayfs overlay rw\n"
        "2 1 0:2 / /data rw,nosuid shared:1 - fuse.hf-mount bucket rw\n"
        "3 2 0:3 / /data/local rw - ext4 /dev/sda rw\n"
        "4 1 0:4 / /mnt/my\\040disk rw - nfs4 server:/x rw\n"
    )
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(mounts)
    assert remote_filesystem(Path(path), tmp_path) == kind


def test_packages_are_compared_with_the_pins(tmp_path: Path) -> None:
    """A pin for another Python counts too; what is not installed is no difference."""
    pins = tmp_path / "requirements.txt"
    assert examine_python(pins)[0].state == "ok"
    uvicorn = next(word for word in examine_python(pins)[0].found.split(", ") if "uvicorn" in word).split()[-1]
    pins.write_text(f"uvicorn=={uvicorn} \\\n    --hash=x\nuvicorn==9.9 ; python_version > '4'\nno-such-thing==1\n")
    assert examine_python(pins)[0].state == "ok"
    pins.write_text("uvicorn==9.9\n")
    [finding] = examine_python(pins)
    assert (finding.state, f"uvicorn is {uvicorn}, not 9.9" in finding.found) == ("warn", True)


@pytest.mark.parametrize(
    ("count", "text"), [(2048, "2 KiB"), (5 << 20, "5 MiB"), (1023 << 20, "1023 MiB"), (3 << 29, "1.5 GiB")]
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    """Three digits are enough."""
    assert size(count) == text

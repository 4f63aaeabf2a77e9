"""Where the kernel keeps the limits of this process's control groups (v1, v2 and both at once).

A limit may stand on any ancestor, so each mounted hierarchy is read from the process's own group up to the mount
point. Inside a container the path in `/proc/self/cgroup` may be the host's and not exist; the levels that are
missing hold no files and the mount point, which is then the container's own group, still counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class _Mount:
    """One mounted hierarchy; `controllers` is empty for version 2."""

    group: PurePosixPath
    point: PurePosixPath
    controllers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Group:
    """One control group's directory on one hierarchy; `version` is 1 or 2."""

    version: int
    directory: Path

    def read(self, name: str) -> list[str]:
        """The words of one of the group's files; none if it cannot be read."""
        return read_text(self.directory / name).split()


def read_text(path: Path) -> str:
    """A file's text, or an empty string if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def groups(root: Path, controller: str) -> Iterator[list[Group]]:
    """For each hierarchy that can limit `controller`: the process's group and its ancestors, nearest first.

    Args:
        root: The file system's root; tests hand in a folder.
        controller: A version 1 controller name such as `cpu`. Every version 2 hierarchy is given too.
    """
    paths = _own_paths(root)
    for mount in _mounts(root):
        if mount.controllers and controller not in mount.controllers:
            continue
        path = paths.get(controller if mount.controllers else "", PurePosixPath("/"))
        yield list(_chain(root, mount, path))


def _chain(root: Path, mount: _Mount, path: PurePosixPath) -> Iterator[Group]:
    below = path.relative_to(mount.group).parts if path.is_relative_to(mount.group) else ()
    if ".." in below:  # the process stands outside its namespace's root
        below = ()
    base = root.joinpath(*mount.point.parts[1:])
    for depth in range(len(below), -1, -1):
        yield Group(version=1 if mount.controllers else 2, directory=base.joinpath(*below[:depth]))


def _own_paths(root: Path) -> dict[str, PurePosixPath]:
    """Each version 1 controller's group of this process; version 2's stands under the empty name (cgroups(7))."""
    paths = {}
    for line in read_text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, found, path = rest.partition(":")
        if found:
            for controller in controllers.split(","):
                paths[controller] = PurePosixPath(path)
    return paths


def _mounts(root: Path) -> Iterator[_Mount]:
    """The mounted hierarchies, from `/proc/self/mountinfo` (its fields: proc_pid_mountinfo(5))."""
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        mount, kind = left.split(" "), right.split(" ")
        if len(mount) < 5 or len(kind) < 3 or kind[0] not in {"cgroup", "cgroup2"}:  # noqa: PLR2004 - the fields below
            continue
        controllers = frozenset(kind[2].split(",")) if kind[0] == "cgroup" else frozenset[str]()
        yield _Mount(_path(mount[3]), _path(mount[4]), controllers)


def _path(field: str) -> PurePosixPath:
    """A path in mountinfo, where blanks and backslashes are written in octal."""
    return PurePosixPath(_OCTAL.sub(lambda match: chr(int(match[1], 8)), field))

"""What the container allows this process: CPUs and bytes of memory, each with the source that says so.

Sources are CPU affinity, control-group limits on every ancestor, the machine's memory, and the variables
`CPU_CORES` and `MEMORY` that a Hugging Face Space sets. What cannot be read is left out; what makes no sense is left
out and said. CPU shares and weights are relative priorities, not a number of CPUs, and are not read.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .cgroups import Group, groups, read_text

# A control group without a memory limit reports the largest page-aligned number of version 1, near 2**63.
_NO_LIMIT_BYTES = 1 << 60
# A plain number in MEMORY below this is not a number of bytes that a server could live in.
_LEAST_BYTES = 1 << 24
_UNITS = {"": 1} | {unit: 1000**power for power, unit in enumerate("KMGT", 1)}
_UNITS |= {f"{unit}I": 1024**power for power, unit in enumerate("KMGT", 1)}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]I?)?B?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """One limit and where it stands. `value` counts CPUs (may be a fraction) or bytes."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit found: CPUs (at least one source), memory in bytes, and sentences on what was ignored."""

    cpus: tuple[Source, ...]
    memory: tuple[Source, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def cpu(self) -> Source:
        """The smallest CPU figure."""
        return min(self.cpus, key=lambda source: source.value)

    @property
    def smallest_memory(self) -> Source | None:
        """The smallest memory limit in bytes, if there is any."""
        return min(self.memory, key=lambda source: source.value, default=None)


def read_limits(
    root: Path = Path("/"), environ: Mapping[str, str] = os.environ, visible: Source | None = None
) -> Limits:
    """Read every source.

    Args:
        root: The file system's root; tests hand in a folder.
        environ: The environment variables.
        visible: The CPUs this process may run on; asked of the system when left out.
    """
    ignored: list[str] = []
    cpus = [
        visible or _visible_cpus(),
        *_quotas(root),
        *_variable("CPU_CORES", _cores(environ.get("CPU_CORES", "")), environ, ignored),
    ]
    memory = [*_memory(root), *_variable("MEMORY", _bytes(environ.get("MEMORY", "")), environ, ignored)]
    return Limits(tuple(cpus), tuple(memory), tuple(ignored))


def _visible_cpus() -> Source:
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return Source("CPU affinity", len(os.sched_getaffinity(0)))
    return Source("machine", os.cpu_count() or 1)


def _quotas(root: Path) -> Iterator[Source]:
    for chain in groups(root, "cpu"):
        yield from _smallest((_quota(group), group) for group in chain)


def _quota(group: Group) -> float:
    """CPUs a group may use: quota over period, both in microseconds; infinite when it has no limit."""
    words = group.read("cpu.max")
    if group.version == 1:
        words = group.read("cpu.cfs_quota_us")[:1] + group.read("cpu.cfs_period_us")[:1]
    quota, period = (_number(word) for word in words) if len(words) == 2 else (math.inf, 1.0)  # noqa: PLR2004 - a pair
    return quota / period if math.isfinite(period) else math.inf


def _memory(root: Path) -> Iterator[Source]:
    for chain in groups(root, "memory"):
        yield from _smallest((_memory_limit(group), group) for group in chain)
    for line in read_text(root / "proc/meminfo").splitlines():
        words = line.split()
        if words[:1] == ["MemTotal:"] and len(words) > 1 and math.isfinite(_number(words[1])):
            yield Source("machine", _number(words[1]) * 1024)


def _memory_limit(group: Group) -> float:
    words = group.read("memory.max" if group.version == 2 else "memory.limit_in_bytes")  # noqa: PLR2004 - the version
    limit = _number(words[0]) if words else math.inf
    return limit if limit < _NO_LIMIT_BYTES else math.inf


def _smallest(found: Iterator[tuple[float, Group]]) -> Iterator[Source]:
    value, group = min(found, key=lambda pair: pair[0])
    if math.isfinite(value):
        yield Source(f"cgroup v{group.version}", value)


def _number(word: str) -> float:
    """A positive whole number; infinite for `max`, -1 and whatever else means no limit."""
    return float(word) if word.isascii() and word.isdigit() and int(word) > 0 else math.inf


def _variable(name: str, value: float | None, environ: Mapping[str, str], ignored: list[str]) -> Iterator[Source]:
    held = environ.get(name, "").strip()
    if value is not None:
        yield Source(name, value)
    elif held:
        ignored.append(f"{name} held {held[:40]!r}, which says nothing; it is ignored.")


def _cores(held: str) -> float | None:
    """The number of CPUs in `CPU_CORES`, such as 4 or 0.5."""
    try:
        value = float(held)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _bytes(held: str) -> float | None:
    """The bytes in `MEMORY`: a plain number, or one with a unit such as 15Gi, 512M or 16GB."""
    match = _QUANTITY.fullmatch(held.strip())
    value = float(match[1]) * _UNITS[(match[2] or "").upper()] if match else 0.0
    return value if value >= _LEAST_BYTES else None

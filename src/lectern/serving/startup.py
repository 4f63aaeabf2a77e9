"""How long a start took, from the process's own beginning to each milestone.

`listening` the port is bound · `imports` the app is loaded · `forked` the worker runs · `prepared` nothing is missing ·
`warm` its parts are ready. A milestone that a host does not have is left out.
The beginning is the system's: it holds from `exec` of the shell that became the server. It comes in steps of 10 ms.
"""

import os
import time
from pathlib import Path


class Startup:
    """The milestones. Made in the master and inherited by the workers, which add their own."""

    def __init__(self) -> None:
        self._began = began()
        self._marks: dict[str, float] = {}

    def mark(self, milestone: str) -> None:
        """Note that a milestone is reached; only the first time counts."""
        self._marks.setdefault(milestone, round(_now() - self._began, 2))

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds from the beginning to each milestone, in the order they were reached."""
        return dict(self._marks)


def began(stat: Path = Path("/proc/self/stat")) -> float:
    """When this process began, on the clock of the machine's boot; where there is no /proc, now.

    Field 22 of proc_pid_stat(5), in clock ticks; the second field, the name, may itself hold spaces and brackets.
    """
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return _now()


def _now() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)

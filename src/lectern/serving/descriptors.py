"""Room for as many files and connections as a process may have open.

The soft limit is often 1,024, for the sake of programs that use `select`; a worker of a thousand streams wants 2,500.
"""

import resource
from typing import Final

MOST: Final = 65_536
"""More is never used, and a process that is told of millions makes tables for them."""


def allowed() -> int:
    """How many a process of the server may have: what `make_room` raises the soft limit to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    most = MOST if hard == unlimited else min(hard, MOST)
    return MOST if soft == unlimited else max(soft, most)


def make_room() -> None:
    """Raise this process's soft limit as far as it may go; those that it forks have it, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < allowed():
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed(), hard))

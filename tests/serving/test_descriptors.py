"""A server opens as many files as it may, not as many as a shell happens to allow."""

import subprocess
import sys

import pytest

_PRINT = """
import resource
from lectern.serving.descriptors import allowed, make_room
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
make_room()
print(allowed(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard", "after"), [(256, 900, 900), (900, 900, 900), (256, 300, 300)])
def test_the_soft_limit_goes_up_to_the_hard_one(soft: int, hard: int, after: int) -> None:
    """The soft limit is raised as far as it may go, and the hard one is left alone."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT.format(soft=soft, hard=hard)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == [str(after), str(after), str(hard)]

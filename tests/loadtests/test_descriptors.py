"""Limits of open files, tried in processes of their own."""

import subprocess
import sys

import pytest
from tests.serving.servers import ROOT

_TRY = """
import resource
from loadtests.descriptors import make_room
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 400))
make_room({wanted})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def run(wanted: int) -> subprocess.CompletedProcess[str]:
    """Ask for so many, with a soft limit of 100 and a hard one of 400."""
    code = _TRY.format(wanted=wanted)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("wanted", "soft"), [(50, 100), (100, 100), (300, 300), (400, 400)])
def test_the_soft_limit_is_raised_and_never_lowered(wanted: int, soft: int) -> None:
    """As far as is wanted and no further."""
    assert int(run(wanted).stdout) == soft


def test_a_hard_limit_that_is_too_low_is_told() -> None:
    """With both numbers and what to do."""
    done = run(401)
    assert done.returncode != 0
    assert "wants 401 open files in one process and the hard limit is 400: raise it" in done.stderr

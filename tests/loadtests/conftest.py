"""What the tests of the load tests share."""

from collections.abc import Iterator

import pytest
from tests.stub_process import Stub, running_stub


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """One running stub for all tests of a process."""
    with running_stub() as stub:
        yield stub

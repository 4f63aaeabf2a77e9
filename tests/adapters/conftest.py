"""What the tests of the adapters share."""

from collections.abc import Iterator

import pytest
from tests.stub_process import Stub, running_stub


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """One running stub of a provider for all tests of a process."""
    with running_stub() as stub:
        yield stub

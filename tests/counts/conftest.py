"""The whole service in the test's own process and loop, with its logs as they were before."""

import logging
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from tests.counts.service import Service, running, settings_for
from tests.counts.site import make_site


@pytest.fixture
def _own_logs() -> Iterator[None]:
    """The service sets up the process's logging as a worker does; afterwards it is the test's again."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def service(tmp_path: Path, _own_logs: None) -> AsyncGenerator[Service, None]:
    """A warm service on SQLite, whose provider has been asked before."""
    await make_site(settings_for(tmp_path))
    async with running(tmp_path) as service:
        await service.streamed()
        yield service

"""The whole service in the test's own process and loop, with its logs as they were before."""

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from tests.counts.pages import make_site
from tests.counts.service import Service, running, settings_for


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema and the pages, made once."""
    folder = tmp_path_factory.mktemp("counts")
    asyncio.run(make_site(settings_for(folder)))
    return folder


@pytest.fixture
def data(tmp_path: Path, _made: Path) -> Path:
    """A folder to serve from."""
    return shutil.copytree(_made, tmp_path / "data")


@pytest.fixture
def _own_logs() -> Iterator[None]:
    """The service sets up the process's logging as a worker does; afterwards it is the test's again."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def service(data: Path, _own_logs: None) -> AsyncGenerator[Service, None]:
    """A warm service on SQLite, whose provider has been asked before."""
    async with running(data) as service:
        await service.streamed()
        yield service

"""The fixture that starts real servers."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.serving.servers import ROOT, Served, until

_SETTINGS = {
    "APP_MODULE": "tests.serving.apps:app",
    "PORT": "0",
    "WEB_CONCURRENCY": "2",
    "GRACEFUL_TIMEOUT_SECONDS": "10",
    "LOG_FORMAT": "text",
}


class Serve(Protocol):
    """Starts a server in `folder`; `args` go to gunicorn, `env` is its environment."""

    def __call__(
        self, *args: str, wait: bool = True, command: tuple[str, ...] = ..., folder: Path = ..., **env: str
    ) -> Served:
        """Start it and, unless told not to, wait until every worker of the test app is up."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers on any free port; they are killed at the end of the test."""
    started: list[Served] = []

    def start(
        *args: str,
        wait: bool = True,
        command: tuple[str, ...] = ("-m", "gunicorn", "-c", "gunicorn.conf.py"),
        folder: Path = ROOT,
        **env: str,
    ) -> Served:
        records = tmp_path / f"server{len(started)}"
        records.mkdir()
        settings = _SETTINGS | env
        server = Served([sys.executable, *command, *args], records, folder, settings)
        started.append(server)
        if wait:
            until(lambda: server.up(int(settings["WEB_CONCURRENCY"])))
        return server

    yield start
    for server in started:
        server.close()

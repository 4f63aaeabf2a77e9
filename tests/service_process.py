"""What tests of the whole service share: how it is started, what it streams, and what it has kept."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.serving.servers import ROOT, Served, until

SSE = {"Accept": "text/event-stream"}
UP = re.compile(r"is up: http://localhost:(\d+)")
"""The boot report has come: the first worker is warm."""


def environment(tmp_path: Path, **env: str) -> dict[str, str]:
    """What a start sees: this Python instead of a `.venv` of its own, and a data folder of the test's own."""
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "VIRTUAL_ENV": sys.prefix}
    # A spawned Python measures its coverage too, where the suite does.
    here |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    # No model that this machine happens to have, and none fetched.
    here |= {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    return here | {"DATA_DIR": str(tmp_path / "data"), "PORT": "0", "LOG_FORMAT": "text", "WEB_CONCURRENCY": "2"} | env


@contextmanager
def running_service(folder: Path, **env: str) -> Iterator[Served]:
    """A service with its records and data in a folder, from its boot report to the end of the block."""
    served = Served(["./entrypoint.sh"], folder, ROOT, environment(folder, **env))
    try:
        until(lambda: UP.search(served.log) is not None or served.process.poll() is not None, seconds=60)
        assert UP.search(served.log), served.log
        yield served
    finally:
        served.close()


def run_verb(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        ["./entrypoint.sh", *arguments],
        cwd=ROOT,
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """`(event, data)` of each frame as it comes."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def outcomes(tmp_path: Path) -> list[tuple[str, str]]:
    """`(outcome, answer)` of each kept turn."""
    with closing(sqlite3.connect(tmp_path / "data" / "lectern.sqlite3")) as connection:
        return connection.execute("select outcome, answer from turns").fetchall()

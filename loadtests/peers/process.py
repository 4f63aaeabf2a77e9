"""A peer as a process of its own, from its start until it is asked to stop."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2

from loadtests.services import Service, end

_START_SECONDS: Final = 120
_ASK_AGAIN_SECONDS: Final = 0.02
_KEPT: Final = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
"""What a peer gets of this environment: no setting that is meant for Lectern."""


class NotStartedError(Exception):
    """A peer that ended, or did not answer in time; the message has the last line that it wrote."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running(command: Sequence[str | Path], port: int, ready: str, environment: Mapping[str, str]) -> Iterator[Service]:
    """A process in a folder of its own, once it answers 200 at the path `ready`.

    Raises:
        NotStartedError: It ended, or did not answer within two minutes.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-peer-") as folder:
        log = Path(folder, "log")
        environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(environment)
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 - our own
        service = Service(f"http://127.0.0.1:{port}", process.pid)
        try:
            _await_ready(f"{service.url}{ready}", process, log)
            yield service
        finally:
            end(process)


def _await_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    with httpx2.Client(timeout=5) as http:
        while not answers(http, url):
            if process.poll() is not None or time.monotonic() > until:
                written = log.read_text(encoding="utf-8", errors="replace").split("\n")
                raise NotStartedError(next((line.strip() for line in reversed(written) if line.strip()), "no output"))
            time.sleep(_ASK_AGAIN_SECONDS)


def answers(http: httpx2.Client, url: str) -> bool:
    """Whether a URL answers 200."""
    try:
        return http.get(url).status_code == 200  # noqa: PLR2004 - HTTP
    except httpx2.HTTPError:
        return False


def age_seconds(service: Service) -> float:
    """How long ago its first process began, to a hundredth of a second.

    Linux counts that from the machine's boot; psutil's own answer is of the clock, whole seconds off.
    """
    # The name stands in parentheses and may hold anything; the 20th field behind it is the start, in ticks.
    fields = Path(f"/proc/{service.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def ready_seconds(service: Service, ready: str) -> float:
    """From the start of its first process until it answers 200 at a path; asks until then."""
    with httpx2.Client(timeout=5) as http:
        while not answers(http, f"{service.url}{ready}"):
            if age_seconds(service) > _START_SECONDS:
                raise NotStartedError(f"no 200 at {ready} within {_START_SECONDS} s")
            time.sleep(_ASK_AGAIN_SECONDS)
    return age_seconds(service)

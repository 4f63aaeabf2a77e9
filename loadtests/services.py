"""What load tests are run against, as processes of their own: the stub, Lectern, the bare relay."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import psutil

ROOT: Final = Path(__file__).parents[1]
_UP = re.compile(r"is up: (http://localhost:\d+)")
_ADDRESS = re.compile(r"^(http://\S+)", re.MULTILINE)
_START_SECONDS, _STOP_SECONDS = 60, 40


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: where it is, and its first process."""

    url: str
    pid: int

    def processes(self) -> list[psutil.Process]:
        """Its processes: the first one and all below it."""
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Processor time used so far, user and system, by all its processes."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes())

    def pss_bytes(self) -> int:
        """Proportional set size of all its processes: shared pages count once, divided among those who share them."""
        return sum(process.memory_full_info().pss for process in self.processes())


@contextmanager
def stub() -> Iterator[Service]:
    """The stub of a provider, on a free port."""
    with started([sys.executable, "-m", "loadtests.stub_llm", "--port", "0"], _ADDRESS) as service:
        yield service


def get(service: Service, path: str) -> dict[str, Any]:
    """The object that a service tells at a path below its address, as the stub does its counters at `/stats`."""
    with urlopen(f"{service.url}{path}", timeout=10) as answer:  # noqa: S310 - our own, over HTTP
        found: dict[str, Any] = json.load(answer)
    return found


@contextmanager
def relay(provider: str, model: str) -> Iterator[Service]:
    """The bare relay with one worker, on a free port."""
    env = {"OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-load", "OPENAI_MODEL": model}
    with started([sys.executable, "-m", "loadtests.baseline_relay", "--port", "0"], _ADDRESS, env) as service:
        yield service


@contextmanager
def lectern(provider: str, model: str, *, embeddings: str = "stub-embed", **env: str) -> Iterator[Service]:
    """Lectern on a free port, with pages indexed and the stub's vectors, or none (`embeddings="none"`)."""
    with (
        prepared(provider, model, embeddings=embeddings, **env) as settings,
        serving(settings) as service,
    ):
        yield service


@contextmanager
def serving(settings: dict[str, str]) -> Iterator[Service]:
    """Lectern with settings that `prepared` gave."""
    with started(["./entrypoint.sh"], _UP, settings) as service:
        yield service


@contextmanager
def prepared(provider: str, model: str, *, embeddings: str = "stub-embed", **env: str) -> Iterator[dict[str, str]]:
    """Settings of a Lectern on a free port, whose data folder has pages already; the folder is gone with the block."""
    with tempfile.TemporaryDirectory(prefix="lectern-load-") as folder:
        settings = {"OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-load", "OPENAI_MODEL": model}
        settings |= {"EMBEDDING_MODEL": embeddings, "DATA_DIR": f"{folder}/data", "PORT": "0", "LOG_FORMAT": "text"}
        # Readers who leave at the end of one load must be gone when the next one begins.
        settings |= {"ABANDON_SECONDS": "0"} | env
        ingest(settings, ROOT / "docs", site="lectern")
        yield settings


def ingest(settings: dict[str, str], pages: Path, *, site: str) -> None:
    """Bring a folder of pages into the index of settings that `prepared` gave.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    command = ["./entrypoint.sh", "ingest", str(pages), "--site", site]
    subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=True, capture_output=True)  # noqa: S603 - ours


@contextmanager
def started(command: Sequence[str], line: re.Pattern[str], env: dict[str, str] | None = None) -> Iterator[Service]:
    """A process, once its output has the line with its address.

    Raises:
        RuntimeError: It ended, or said nothing in time.
    """
    with tempfile.NamedTemporaryFile(prefix="lectern-load-", suffix=".log") as log:
        environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(  # noqa: S603 - our own
            command, cwd=ROOT, env=environ | (env or {}), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Service(_address(line, Path(log.name), process), process.pid)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process as a platform does: told to, and killed when it takes longer than 40 seconds."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _address(line: re.Pattern[str], log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_SECONDS
    while (found := line.search(log.read_text(encoding="utf-8", errors="replace"))) is None:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"It did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(0.05)
    return found[1].replace("localhost", "127.0.0.1")

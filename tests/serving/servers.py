"""A real server for tests: started with the project's own gunicorn.conf.py, and killed with all that it started."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ADDRESS = re.compile(r"http://0\.0\.0\.0:(\d+)")


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until the condition holds.

    Raises:
        AssertionError: It does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; a killed one whose parent has not noticed yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] != "Z"
    except OSError:  # gone since
        return False


class Served:
    """A running server: the gunicorn master, its port, its log and what the test app noted."""

    def __init__(self, command: list[str], folder: Path, cwd: Path, env: dict[str, str]) -> None:
        self.log_path, self.notes_path = folder / "log", folder / "notes"
        self._connections: list[http.client.HTTPConnection | socket.socket] = []
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=inherited | coverage | {"NOTES": str(self.notes_path)} | env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What the server has printed."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def happened(self) -> list[tuple[int, str]]:
        """What the test app has noted, in order: the process and what happened."""
        lines = self.notes_path.read_text(encoding="utf-8").splitlines() if self.notes_path.exists() else []
        return [(int(pid), what) for pid, _, what in (line.partition(" ") for line in lines)]

    def noted(self, what: str) -> list[int]:
        """The process ids that noted this, in order."""
        return [pid for pid, noted in self.happened if noted == what]

    @property
    def port(self) -> int:
        """The port that the server says it listens on."""
        found = _ADDRESS.search(self.log)
        assert found is not None, self.log
        return int(found[1])

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own, closed at the end of the test."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._connections.append(connection)
        return connection

    def raw(self) -> socket.socket:
        """A bare connection, closed at the end of the test."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self._connections.append(connection)
        return connection

    def get(self, path: str) -> str:
        """The body of a 200 answer, over a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            assert response.status == http.client.OK
            return response.read().decode()
        finally:
            connection.close()

    def stream(self, query: str) -> http.client.HTTPResponse:
        """A stream whose first chunk has arrived."""
        connection = self.connect()
        connection.request("GET", f"/stream?{query}")
        response = connection.getresponse()
        assert response.readline() == b"chunk 0\n"
        return response

    def accepts(self) -> bool:
        """Whether the server takes new connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=30).close()
        except ConnectionError:
            return False
        return True

    def up(self, workers: int) -> bool:
        """Whether this many workers have finished their startup so far."""
        assert self.process.poll() is None, self.log
        return len(self.noted("startup")) >= workers and bool(_ADDRESS.search(self.log))

    def signal(self, number: signal.Signals) -> None:
        """Send the master a signal."""
        self.process.send_signal(number)

    def exit_code(self, seconds: float = 30.0) -> int:
        """Wait for the master to end."""
        return self.process.wait(seconds)

    def close(self) -> None:
        """Kill what is left of the server, and only that: it runs in a session of its own."""
        for connection in self._connections:
            connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

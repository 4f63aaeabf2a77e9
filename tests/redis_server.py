"""A real Redis server for tests: killed, started again on its port, frozen. Loopback only, nothing on a disk."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.database_servers import free_port
from tests.serving.servers import until

NO_REDIS = "redis-server is not installed (Debian and Ubuntu: apt-get install redis-server, or tests/install-parts.sh)"


class RedisServer:
    """A server on a port of its own; what it held is gone when it is killed.

    Args:
        program: `redis-server`.
        folder: Where it runs.
        arguments: More of its own arguments, as `--requirepass x`.
    """

    def __init__(self, program: str, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *arguments]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, without a login."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder)
        until(self._answers)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Stop it where it stands: the kernel goes on taking connections, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """What it answers to one command, as it stands in the protocol."""
        command = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"*{len(words)}\r\n{command}".encode())
            return connection.recv(65536).decode()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with suppress(OSError):
            return bool(self.ask("PING"))
        return False


@contextmanager
def running_redis(*arguments: str) -> Iterator[RedisServer]:
    """A new server, gone with the block; the test is skipped where there is none to start, and fails so in CI."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_REDIS)
        pytest.skip(NO_REDIS)
    with tempfile.TemporaryDirectory(prefix="lectern-redis-") as name:
        server = RedisServer(program, Path(name), *arguments)
        server.start()
        try:
            yield server
        finally:
            server.kill()

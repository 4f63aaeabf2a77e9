"""Instances of the service that keep their port and their data over restarts, and tell their workers."""

import shutil
import signal
from pathlib import Path

import psutil
from tests.database_servers import free_port
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until


class Instance:
    """One Lectern as a container has it: a master, its workers, and a data folder.

    Args:
        folder: Its own, empty.
        prepared: A data folder with an index, to be copied.
        env: Its settings.
    """

    def __init__(self, folder: Path, prepared: Path, env: dict[str, str]) -> None:
        self.port = free_port()
        self.folder = folder
        self._env = environment(folder, **(env | {"PORT": str(self.port)}))
        self._starts = 0
        shutil.copytree(prepared, folder / "data")
        self.served = self._start()

    def workers(self) -> list[int]:
        """The workers' process ids: forks of the master, which run what it runs."""
        master = str(self.served.process.pid)
        try:
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        except OSError:  # ended
            return []
        return [int(pid) for pid in children if _command(pid) == _command(master)]

    def restart(self) -> int:
        """End it with SIGTERM, as a platform does, and start it again; its exit code."""
        self.served.signal(signal.SIGTERM)
        code = self.served.exit_code(60)
        self.served = self._start()
        return code

    def close(self) -> None:
        """Kill what is left of it."""
        self.served.close()

    @property
    def has_failed(self) -> bool:
        """Whether a log of its starts tells of what nobody had foreseen."""
        return any("Traceback" in path.read_text(errors="replace") for path in self.folder.glob("start*/log"))

    def _start(self) -> Served:
        records = self.folder / f"start{self._starts}"
        self._starts += 1
        records.mkdir()
        served = Served(["./entrypoint.sh"], records, ROOT, self._env)
        until(lambda: UP.search(served.log) is not None or served.process.poll() is not None, seconds=60)
        if not UP.search(served.log):
            served.close()
            raise AssertionError(served.log)
        return served


def sockets(pid: int) -> int:
    """How many connections a process holds, as far as it still runs."""
    try:
        return len(psutil.Process(pid).net_connections("tcp"))
    except psutil.Error:
        return 0


def listens(pid: int) -> bool:
    """Whether a process takes connections, as far as that can be seen."""
    try:
        return any(link.status == psutil.CONN_LISTEN for link in psutil.Process(pid).net_connections("tcp"))
    except psutil.Error:
        return True


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # ended meanwhile
        return b""

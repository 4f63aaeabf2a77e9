"""The whole service with a proxy before its provider, readers who keep count, and what must hold after any fault."""

import json
import os
import shutil
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread
import httpx2
from tests.faults.proxy import Proxy
from tests.faults.readers import Chat, Prober, read
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import Stub

QUESTION = "How do I run the tests?"
ANSWERED_SECONDS = 30.0


class Rig:
    """A running service.

    Attributes:
        served: Its processes and log.
        proxy: Between it and the stub.
        stub: Its provider.
        chats: Every question that was asked through the rig.
        prober: Watches `/health`.
    """

    def __init__(
        self,
        prepared: Path,
        proxy: Proxy,
        stub: Stub,
        command: list[str],
        env: dict[str, str],
    ) -> None:
        self.proxy, self.stub = proxy, stub
        self.model = env["OPENAI_MODEL"]
        self.chats: list[Chat] = []
        self._reading = 0
        # Short, because a Unix socket's address holds 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="lectern-"))
        shutil.copytree(prepared / "data", self.folder / "data")
        self._windows = self.folder / "w"
        self._windows.mkdir()
        settings = {
            "APP_MODULE": "tests.faults.app:app",
            "WINDOW": str(self._windows),
            "OPENAI_API_KEY": "sk-fault-suite",
            "OPENAI_BASE_URL": f"{proxy.url}/v1",
            "CONNECT_TIMEOUT_SECONDS": "2",
            "FIRST_TOKEN_TIMEOUT_SECONDS": "2",
            "TOKEN_TIMEOUT_SECONDS": "1",
            "GRACEFUL_TIMEOUT_SECONDS": "8",
        }
        self._env = environment(self.folder, **(settings | env))
        self.served = Served(command, self.folder, ROOT, self._env)
        self.count = int(self._env["WEB_CONCURRENCY"])
        try:
            until(lambda: self._up() or self.served.process.poll() is not None)
            assert self._up(), self.served.log
            self.baseline = {pid: self.holds(pid) for pid in self.workers()}
        except BaseException:
            self._end()  # nobody else knows of it yet
            raise
        self.prober = Prober(self.served.port)
        self.prober.start()

    def _up(self) -> bool:
        return UP.search(self.served.log) is not None and len(self.workers()) == self.count

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.served.port}"

    def workers(self) -> list[int]:
        """The workers that are warm, by their windows."""
        names = [path.name for path in self._windows.iterdir() if path.name.isdecimal()]
        return sorted(int(name) for name in names if Path("/proc", name).exists())

    def window(self, pid: int, command: str = "state") -> dict[str, Any]:
        """What a worker answers to a command."""
        with closing(socket.socket(socket.AF_UNIX)) as asking:
            asking.settimeout(10)
            asking.connect(str(self._windows / str(pid)))
            asking.sendall(command.encode() + b"\n")
            return dict(json.loads(asking.makefile().readline()))

    def holds(self, pid: int) -> dict[str, Any]:
        """What a worker holds, as seen from inside and outside.

        Connections to the provider that are kept for the next request, and the threads and files of pools, are theirs
        to keep: they are bounded, and left out of `sockets`, `threads` and `files`.
        """
        inside = self.window(pid)
        links = Counter(_kind(link) for link in _links(pid))
        threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
        return inside | {
            "sockets": links["socket"] - inside["idle_upstream"] - inside["busy_upstream"],
            "files": links["file"],
            "pipes": links["pipe"],
            "threads": threads - inside["pool_threads"],
        }

    def holds_alone(self, pid: int) -> dict[str, Any]:
        """The same while nobody asks for `/health`."""
        with self.prober.paused:
            return self.holds(pid)

    def turns(self) -> dict[str, tuple[str, str]]:
        """`(outcome, answer)` of each kept turn, by its id."""
        with closing(sqlite3.connect(self.folder / "data" / "lectern.sqlite3", timeout=10)) as connection:
            rows = connection.execute("select id, outcome, answer from turns").fetchall()
        return {str(UUID(row[0])): (row[1], row[2]) for row in rows}

    async def ask(self, http: httpx2.AsyncClient, question: str = QUESTION, **how: Any) -> Chat:
        """Ask, and read to the end or for as long as `readers.read` is told to."""
        chat = Chat()
        self.chats.append(chat)
        self._reading += 1
        if self._reading >= _CROWD:
            self.prober.limit_seconds = _CROWD_SECONDS
        try:
            await read(chat, http, question, **how)
        finally:
            self._reading -= 1
        return chat

    def client(self, seconds: float = ANSWERED_SECONDS) -> httpx2.AsyncClient:
        """Readers; each question has a connection of its own."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        return httpx2.AsyncClient(base_url=self.base_url, timeout=seconds, limits=limits, trust_env=False)

    async def one(self, **how: Any) -> Chat:
        """Ask once."""
        async with self.client() as http:
            return await self.ask(http, **how)

    async def many(self, count: int, **how: Any) -> list[Chat]:
        """Ask this often at once."""
        chats: list[Chat] = []
        async with self.client() as http, anyio.create_task_group() as group:

            async def ask() -> None:
                chats.append(await self.ask(http, **how))

            for _ in range(count):
                group.start_soon(ask)
        return chats

    def settle(self) -> str:
        """Check what must hold after any fault; tells what was seen.

        Raises:
            AssertionError: Something was leaked, `/health` was slow, a stream has no end, or a turn is saved in half.
        """
        self.prober.stop()
        slowest = self._check_health()
        for chat in self.chats:
            self._check_chat(chat)
        calm = time.monotonic()
        if self.served.process.poll() is None:
            problems = self.leaks_soon()
            assert not problems, problems
        self._check_turns()
        return f"/health ≤ {slowest * 1000:.0f} ms, calm after {time.monotonic() - calm:.1f} s"

    def leaks_soon(self, seconds: float = 5) -> list[str]:
        """What is still held after this long that was not held in calm; empty as soon as nothing is."""
        deadline = time.monotonic() + seconds
        while problems := self._leaks():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return problems

    def close(self) -> None:
        """End everything."""
        self.prober.stop()
        self._end()

    def _end(self) -> None:
        self.served.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_health(self) -> float:
        assert len(self.prober.failures) <= self.prober.excused, self.prober.failures
        slowest = max(self.prober.seconds, default=0)
        assert slowest < self.prober.limit_seconds, f"/health took {slowest:.2f} s"
        return slowest

    def _check_chat(self, chat: Chat) -> None:
        ends = [name for name, _ in chat.events if name in {"done", "failed"}]
        assert len(ends) <= 1, ends
        if chat.left or chat.excused:
            return
        assert chat.ended, f"cut off: {chat.error} after {chat.last!r}"
        if chat.status == httpx2.codes.OK:
            assert chat.last in {"done", "failed"}, chat.events[-3:]
        else:
            assert chat.status >= httpx2.codes.BAD_REQUEST
            assert {"error", "message", "retryable"} <= chat.body.keys()

    def _check_turns(self) -> None:
        """Each kept turn is what its reader was sent; each answer that promised to be kept is."""
        chats = {chat.turn: chat for chat in self.chats if chat.turn}
        kept = self.turns()
        for turn, (outcome, answer) in kept.items():
            if turn not in chats:
                continue
            chat = chats[turn]
            if outcome in {"cancelled", "failed"}:
                assert answer.startswith(chat.text), (outcome, answer, chat.text)
            else:
                assert answer == chat.text or (not chat.ended and answer.startswith(chat.text)), (answer, chat.text)
        for turn, chat in chats.items():
            if chat.last in {"done", "failed"} and "store" not in chat.degraded:
                assert turn in kept, f"a turn that ended with {chat.last!r} is not kept"

    def _leaks(self) -> list[str]:
        with self.prober.paused:
            return [problem for pid in self.workers() for problem in self._leaks_of(pid)]

    def _leaks_of(self, pid: int) -> list[str]:
        try:
            now = self.holds(pid)
        except OSError as error:
            return [f"worker {pid} does not answer: {error!r}"]
        # A worker that replaced another is held to what a fresh one holds.
        before = self.baseline.get(pid) or next(iter(self.baseline.values()))
        most = {
            "tasks": before["tasks"],
            "sockets": before["sockets"],
            "pipes": before["pipes"],
            "own_threads": before["own_threads"],
            "threads": before["threads"] + _RESOLVER_THREADS,
            "files": before["files"] + _POOLED_FILES,
            "busy_upstream": 0,
            "checked_out": 0,
            "borrowed": 0,
        }
        return [
            f"worker {pid}: {now[name]} {name}, not {limit} {now}" for name, limit in most.items() if now[name] > limit
        ]


_CROWD, _CROWD_SECONDS = 30, 5.0
"""So many readers slow down the prober, which shares their interpreter; what it measures then is mostly they."""

_RESOLVER_THREADS = 4
"""The loop's own pool for resolving names."""

_POOLED_FILES = 3 * 20 + 3 * 8
"""A database connection has up to three files, and a worker up to 20 of them; so has a search thread."""


def _links(pid: int) -> list[str]:
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except OSError:  # closed meanwhile
            continue
    return links


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kind(link: str) -> str:
    return "file" if link.startswith("/") else link.partition(":")[0]

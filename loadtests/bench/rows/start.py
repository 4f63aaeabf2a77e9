"""How long a start takes: from the exec of `./entrypoint.sh` to the first 200 of `/health` and to the first answer.

The data folder is prepared and has served before, and files are in the page cache. Both are asked for from the first
moment on, each by a client that comes again 5 ms after a refusal; each start is a process group of its own.
"""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Final

from loadtests import reading, services
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.services import ROOT

_MODEL = "stub-len20"
_PAUSE_SECONDS = 0.005
_PATIENCE_SECONDS = 60
_QUESTION = json.dumps(reading.chat(reading.QUESTIONS[0])).encode()


def measure(options: Options) -> Sequence[Repetition]:
    """One start that is not counted, then one a repetition."""
    with services.stub() as stub, services.prepared(stub.url, _MODEL, WEB_CONCURRENCY="2") as settings:
        _once(settings)
        return [_once(settings) for _ in range(options.repeat)]


def _once(settings: dict[str, str]) -> Repetition:
    port = _free_port()
    with _started(settings | {"PORT": str(port)}) as (began, alive), ThreadPoolExecutor(2) as clients:
        health = clients.submit(until_answered, port, "/health", None, alive)
        answer = clients.submit(until_answered, port, "/chat", _QUESTION, alive)
        values = {
            "to the first 200 of /health": health.result() - began,
            "to the first answer of POST /chat": answer.result() - began,
        }
        _, body = ask(port, "/health", None)
    return Repetition(values, detail={"startup_seconds": json.loads(body)["startup_seconds"]})


@contextmanager
def _started(settings: Mapping[str, str]) -> Iterator[tuple[float, Callable[[], None]]]:
    """The moment of a start, and what raises RuntimeError when the service ended by itself; stopped with the block."""
    with tempfile.TemporaryFile(prefix="lectern-load-") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            ["./entrypoint.sh"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def alive() -> None:
            if process.poll() is not None or time.monotonic() - began > _PATIENCE_SECONDS:
                log.seek(0)
                raise RuntimeError(f"It did not start:\n{log.read().decode(errors='replace')[-2000:]}")

        try:
            yield began, alive
        finally:
            services.end(process)


def ask(port: int, path: str, body: bytes | None) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own; a POST of JSON where there is a body to send."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)) as connection:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("POST" if body else "GET", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def until_answered(port: int, path: str, body: bytes | None, alive: Callable[[], None]) -> float:
    """The moment of the first 200, of the monotonic clock; `alive` raises when there is no use in asking on."""
    while True:
        try:
            if ask(port, path, body)[0] == 200:  # noqa: PLR2004 - HTTP
                return time.monotonic()
        except (OSError, HTTPException):
            pass
        alive()
        time.sleep(_PAUSE_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


ROW: Final = Row(
    name="start",
    title="A start of the whole service, two workers, prepared data folder, warm disk",
    figures=(
        Figure("to the first 200 of /health", "s", 2.5),
        Figure("to the first answer of POST /chat", "s", 3),
    ),
    measure=measure,
)

"""Visitors of a real server: all its workers know each of them, whatever the secret is kept in."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until

Start = Callable[..., Served]

pytestmark = pytest.mark.process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server with two workers whose routes say who asks."""
    with ExitStack() as running:
        count = 0

        def start(**env: str) -> Served:
            nonlocal count
            count += 1
            folder = tmp_path / f"start{count}"
            folder.mkdir()
            here = environment(tmp_path, APP_MODULE="tests.web.callers:create()", **env)
            here["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
            served = Served(["./entrypoint.sh"], folder, ROOT, here)
            running.callback(served.close)
            until(lambda: UP.search(served.log) is not None or served.process.poll() is not None, 60)
            assert UP.search(served.log), served.log
            return served

        yield start


def asked(served: Served, cookie: str = "") -> tuple[dict[str, Any], str]:
    """What a worker says of who asks over a new connection, and the cookie that it gives."""
    headers = {"Cookie": cookie} if cookie else {}
    response = httpx2.get(f"http://127.0.0.1:{served.port}/whoami", headers=headers, timeout=60)
    return dict(json.loads(response.text)), response.headers.get("set-cookie", "").partition(";")[0]


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """While a worker stands still, the other one answers."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("data", ["data", "a-file/data"], ids=["kept", "nothing can be written"])
def test_each_worker_knows_the_visitors_of_the_other(start: Start, tmp_path: Path, data: str) -> None:
    """By a file that one of them makes, or by what the master thought up before the fork."""
    (tmp_path / "a-file").write_text("no folder", encoding="utf-8")
    served = start(DATA_DIR=str(tmp_path / data))
    first, cookie = asked(served)
    assert first["is_new"] is True
    with stopped(first["process"]):
        other, again = asked(served, cookie)
    assert other["process"] != first["process"]
    assert (other["id"], other["is_new"], again) == (first["id"], False, "")
    assert ("secret-key cannot be used" in served.log) == (data != "data")


def test_a_restart_knows_them_too(start: Start, tmp_path: Path) -> None:
    """The file is there; a new secret without the old one among its fallbacks makes strangers of them."""
    before = start()
    first, cookie = asked(before)
    before.close()
    assert asked(start(), cookie)[0]["id"] == first["id"]
    kept = (tmp_path / "data" / "secret-key").read_text(encoding="ascii").strip()
    rotated = start(SECRET_KEY="b" * 32, SECRET_KEY_FALLBACKS=kept)
    again, renewed = asked(rotated, cookie)
    assert again["id"] == first["id"]
    assert kept not in rotated.log
    alone = start(SECRET_KEY="b" * 32)
    assert asked(alone, renewed)[0]["id"] == first["id"]
    assert asked(alone, cookie)[0]["is_new"] is True


def test_a_space_without_a_secret_says_what_that_costs(start: Start) -> None:
    """In the boot report, in one line; with the secret it says nothing of it."""
    space = {"SPACE_ID": "acme/docs", "LECTERN_DEMO": "1"}
    told = "visitors' ids end with this container"
    assert start(**space).log.count(told) == 1
    assert told not in start(**space, SECRET_KEY="c" * 32).log

"""A peer's process: it starts until it answers, keeps to itself, and is gone at the end."""

import sys
import time

import psutil
import pytest
from loadtests.peers.process import NotStartedError, age_seconds, free_port, ready_seconds, running

pytestmark = pytest.mark.process
SERVER = """import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


def test_it_runs_until_the_block_ends() -> None:
    """It is there once it answers, its age is told from the start of its process, and it ends with the block."""
    port = free_port()
    before = time.monotonic()
    with running([sys.executable, "-c", SERVER, str(port)], port, "/", {}) as service:
        assert service.url == f"http://127.0.0.1:{port}"
        ready = ready_seconds(service, "/log")
        assert 0 < ready <= age_seconds(service) <= time.monotonic() - before + 0.05
    assert not psutil.pid_exists(service.pid)


def test_what_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last line is the message; and it saw no setting that is meant for Lectern."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-peers")
    code = "import os, sys; print('first', flush=True); sys.exit(f'no port for {os.environ.get(\"OPENAI_API_KEY\")}')"
    with pytest.raises(NotStartedError, match=r"^no port for None$"), running([sys.executable, "-c", code], 9, "/", {}):
        pass

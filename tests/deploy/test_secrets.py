"""Where a secret's value may be seen: in the Space's secrets, and nowhere else."""

import os
import pty
import select
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tests.deploy.conftest import DEMO, SPACE, Deploy, environment_of
from tests.deploy.hub_server import HubServer

pytestmark = pytest.mark.process

KEY, ADDRESS, TOKEN = "sk-Wq7distinct0key", "postgresql://ada:Zx9distinct@db.example.org/d", "Adm1n-distinct-token"
MARKS = ("Wq7distinct", "Zx9distinct", "Adm1n-distinct")
SITE = {"CORS_ALLOWED_ORIGINS": "https://docs.example.org"}


def command_lines() -> bytes:
    """The arguments of every process on this machine, as anyone may read them."""
    lines = b""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines += process.read_bytes()
        except OSError:  # it has ended
            continue
    return lines


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="Linux tells the arguments of processes")
def test_values_are_seen_nowhere_but_in_the_secrets(hub: HubServer, deploy: Deploy, tmp_path: Path) -> None:
    """Not in what is said, in arguments, in files, in variables, in descriptions, nor in any other call of the Hub."""
    seen, stop = [b""], threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            seen[0] += command_lines()

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = deploy(SPACE, OPENAI_API_KEY=KEY, DATABASE_URL=ADDRESS, ADMIN_TOKEN=TOKEN, **SITE)
    stop.set()
    watcher.join()

    assert done.returncode == 0, done.stderr
    repo = hub.repos[SPACE]
    assert repo.secrets["OPENAI_API_KEY"]["value"] == KEY
    assert {"OPENAI_API_KEY", "DATABASE_URL", "ADMIN_TOKEN"} == repo.secrets.keys()
    assert b"deploy" in seen[0]
    told = [done.stdout, done.stderr, str(repo.variables), *(one["description"] for one in repo.secrets.values())]
    told += [data.decode("utf-8", "replace") for data in repo.files.values()]
    told += [path for _, path, _ in hub.requests]
    told += [body.decode("utf-8", "replace") for _, path, body in hub.requests if path != "/api/repos/create"]
    for mark in (*MARKS, hub.token):
        assert mark.encode() not in seen[0]
        assert not any(mark in text for text in told)


def test_a_page_with_a_key_in_it_stops_the_push(hub: HubServer, deploy: Deploy, tmp_path: Path) -> None:
    """The file and the variable are named, the value is not, and the Hub is not written to."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "setup.md").write_text(f"# Setup\n\nOPENAI_API_KEY={KEY}\n", encoding="utf-8")
    done = deploy(SPACE, "--content", str(tmp_path / "site"), OPENAI_API_KEY=KEY, **DEMO)
    assert done.returncode == 65
    assert "content/setup.md holds the value of OPENAI_API_KEY" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert {method for method, _, _ in hub.requests} == {"GET"}


def test_a_key_of_another_service_stops_it_too(hub: HubServer, deploy: Deploy, tmp_path: Path) -> None:
    """What the environment calls a secret is one, whoever uses it; so is the Hub's own token."""
    (tmp_path / "site").mkdir()
    page = tmp_path / "site" / "page.md"
    for name, value in (("STRIPE_SECRET", "whsec_0123456789"), ("HF_TOKEN", hub.token)):
        page.write_text(f"# Page\n\n{value}\n", encoding="utf-8")
        done = deploy(SPACE, "--content", str(tmp_path / "site"), **DEMO, **{name: value})
        assert done.returncode == 65
        assert name in done.stderr


def test_missing_secrets_are_asked_for_and_not_echoed(hub: HubServer, checkout: Path, tmp_path: Path) -> None:
    """On a terminal each is typed unseen, the plan is confirmed, and the Space gets what was typed."""
    answers = {"OPENAI_API_KEY": KEY, "DATABASE_URL": ADDRESS, "CORS_ALLOWED_ORIGINS": SITE["CORS_ALLOWED_ORIGINS"]}
    answers["[y/N]"] = "y"
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [checkout / "entrypoint.sh", "deploy", SPACE],
        env=environment_of(hub, tmp_path) | {"TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        # The terminal becomes the process's own, as getpass opens /dev/tty.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 - one thread, before exec
    )
    os.close(terminal)
    said = _converse(controller, process, answers)
    os.close(controller)

    assert process.wait(60) == 0, said
    assert hub.repos[SPACE].secrets["OPENAI_API_KEY"]["value"] == KEY
    assert hub.repos[SPACE].variables["CORS_ALLOWED_ORIGINS"]["value"] == "https://docs.example.org"
    assert not any(mark in said for mark in MARKS)


def _converse(controller: int, process: subprocess.Popen[bytes], answers: dict[str, str]) -> str:
    """Answer each prompt once, when it stands at the end of what was said; everything that the terminal showed."""
    said, waiting, deadline = "", dict(answers), time.monotonic() + 100
    while time.monotonic() < deadline:
        if select.select([controller], [], [], 0.2)[0]:
            try:
                chunk = os.read(controller, 65536)
            except OSError:  # the last process closed the terminal
                break
            said += chunk.decode("utf-8", "replace")
        prompt = said.rsplit("\n", 1)[-1]
        for asked in [name for name in waiting if name in prompt and prompt.rstrip().endswith((":", "]"))]:
            # getpass discards what was typed before it turned the echo off, as a person sees the prompt first.
            time.sleep(0.3)
            os.write(controller, waiting.pop(asked).encode() + b"\n")
        if process.poll() is not None and not select.select([controller], [], [], 0.2)[0]:
            break
    return said

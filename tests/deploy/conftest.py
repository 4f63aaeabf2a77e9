"""A checkout to deploy, a Hub, a Space's edge, and the verb as a process of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.deploy.hub_server import HubServer
from tests.deploy.space_edge import SpaceEdge

from lectern.deploy.tree import IMAGE_ROOTS

ROOT = Path(__file__).parents[2]
SPACE = "ada/answers"
CARD = "---\ntitle: Answers\nsdk: docker\napp_port: 7860\n---\n"
DEMO = {"LECTERN_DEMO": "1"}

Finished = subprocess.CompletedProcess[str]
Deploy = Callable[..., Finished]


def copy_checkout(to: Path) -> Path:
    """What git would track of this checkout's image files, in a repository of its own."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-coz", "--exclude-standard", "--", *IMAGE_ROOTS], cwd=ROOT, text=True
    )
    for path in filter(None, listed.split("\0")):
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, to / path)
    readme = to / "README.md"
    if not readme.read_text(encoding="utf-8").startswith("---\n"):
        readme.write_text(CARD + readme.read_text(encoding="utf-8"), encoding="utf-8")
    if not (to / "Dockerfile").exists():
        (to / "Dockerfile").write_text("FROM python:3.11-slim\nCOPY . .\n", encoding="utf-8")
    (to / ".gitignore").write_text("data/\n.env\n", encoding="utf-8")
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=to, check=True)
    return to


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout that a test may change."""
    return copy_checkout(tmp_path / "checkout")


@pytest.fixture
def edge() -> Iterator[SpaceEdge]:
    """Where the Space answers."""
    with SpaceEdge() as running:
        yield running


@pytest.fixture
def hub(edge: SpaceEdge) -> Iterator[HubServer]:
    """A Hub whose Spaces answer at the edge, with the small app once they are built."""
    with HubServer() as running:
        running.host_of = lambda _: edge.url
        running.app = edge.start_small
        yield running


def environment_of(hub: HubServer, home: Path, **given: str) -> dict[str, str]:
    """What the verb's process sees: this Python, that Hub, its token, and nothing of this machine's logins."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LECTERN_NO_VENV": "1",
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        # The chunk store behind large files is a protocol of its own; without it the library speaks git-lfs.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "COLUMNS": "200",
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        **given,
    }


@pytest.fixture
def deploy(hub: HubServer, checkout: Path, tmp_path: Path) -> Deploy:
    """Runs `./entrypoint.sh deploy` on the checkout, without a terminal; its exit code and what it said."""

    def run(*arguments: str, **given: str) -> Finished:
        return subprocess.run(
            [checkout / "entrypoint.sh", "deploy", *(arguments or (SPACE,))],
            env=environment_of(hub, tmp_path, **given),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run

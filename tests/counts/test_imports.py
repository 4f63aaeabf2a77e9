"""Every module costs each start time and memory: how many there are, and which must never be among them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.counts.pages import MODEL
from tests.serving.servers import ROOT
from tests.test_main import NOT_FOR_EVERY_START

NOWHERE: Final = "http://127.0.0.1:9"
REMOTES: Final = {
    "OPENAI_API_KEY": "x",
    "OPENAI_BASE_URL": f"{NOWHERE}/v1",
    "OPENAI_FALLBACK_MODEL": "another",
    "EMBEDDING_MODEL": MODEL,
    "QDRANT_URL": NOWHERE,
    "COHERE_API_KEY": "x",
    "COHERE_BASE_URL": NOWHERE,
    "DATABASE_URL": "postgresql://reader@127.0.0.1:9/turns",
}

NEVER: Final = set(
    "IPython _pytest alembic cohere google grpc huggingface_hub jinja2 lectern.cli lectern.deploy lectern.evaluation "
    "lectern.ingest.pipeline lectern.mcp.server locust mako matplotlib mcp mcp_types mdit_py_plugins openai pandas "
    "pip playwright pytest qdrant_client scipy setuptools sse_starlette tiktoken torch transformers typer".split()
)
"""What only a command, a check or a test uses."""

MOST: Final = {"nothing": 1205, "everything": 1440, "redis": 1270}
"""Two per cent more than there were when this was written; a new library says here what it brings along."""


def printed(folder: Path, *arguments: str, **env: str) -> set[str]:
    """What a process says of its modules, with a folder's data and no other setting of this machine."""
    here = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    here |= {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "DATA_DIR": str(folder)}
    here |= {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "CONTENT_DIR": str(folder / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.counts.ready", *arguments],
        cwd=folder,
        env=here | env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, found, modules = done.stderr.partition("MODULES ")
    assert found
    return {module for module in modules.split() if module.partition(".")[0] != "coverage"}


@pytest.mark.parametrize(
    ("name", "env"), [("nothing", {}), ("everything", REMOTES), ("redis", {"REDIS_URL": "redis://127.0.0.1:9"})]
)
def test_a_start_imports_no_more_than_it_did(name: str, env: dict[str, str], data: Path) -> None:
    """The number of modules stays below its cap, and none of them is a command's, a test's or a tool's."""
    modules = printed(data, **env)
    assert {"lectern.app", "lectern.serving.worker", "lectern.adapters.sql_store"} <= modules
    assert modules & NEVER == set()
    if name == "nothing":
        assert modules & NOT_FOR_EVERY_START == set()
    assert len(modules) <= MOST[name], f"{len(modules)} modules"


def test_a_request_imports_nothing(data: Path) -> None:
    """What a turn, a search or a look at health wants is there before the first of them comes."""
    assert printed(data, str(data)) == set()

"""`main.py`: what every host imports before it can serve."""

import subprocess
import sys
from pathlib import Path

from tests.service_process import environment
from tests.serving.servers import ROOT

NOT_FOR_EVERY_START = {
    "aiohttp",
    "alembic",
    "cohere",
    "httpx2",
    "huggingface_hub",
    "jwt",
    "lectern.adapters.qdrant_index",
    "lectern.ingest.pipeline",
    "numpy",
    "openai",
    "psycopg2",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "tokenizers",
}
"""Each costs a cold start 0.1 to 1 s; it is imported where a setting or a command asks for it."""


def imported(tmp_path: Path, **env: str) -> set[str]:
    """What `import main` brings along."""
    code = "import sys, main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(tmp_path, **env),
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stdout.split())


def test_a_start_pays_for_what_it_uses_only(tmp_path: Path) -> None:
    """Without settings nothing heavy is imported, no folder made, and no process started."""
    assert imported(tmp_path) & NOT_FOR_EVERY_START == set()
    assert not (tmp_path / "data").exists()


def test_what_is_configured_is_imported_before_the_fork(tmp_path: Path) -> None:
    """Workers share it, and no first reader waits for it."""
    modules = imported(tmp_path, OPENAI_API_KEY="x", QDRANT_URL="http://127.0.0.1:9")
    assert {"lectern.adapters.openai_llm", "lectern.adapters.qdrant_index"} <= modules

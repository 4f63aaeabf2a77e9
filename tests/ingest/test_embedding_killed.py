"""What a kill costs an ingest that makes vectors: at most what was not committed yet, and never a page."""

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest
from tests.ingest.embedding_process import BATCH, COMMIT

from lectern.adapters.local_index import LocalIndex

PAGES = 20
SCRIPT = Path(__file__).parent / "embedding_process.py"


@pytest.mark.parametrize("calls", [1, 6])
async def test_a_killed_ingest_goes_on_where_it_stopped(tmp_path: Path, calls: int) -> None:
    """After `kill -9` the pages answer by words, the next ingest ends the work, and little is embedded twice."""
    site = tmp_path / "site"
    site.mkdir()
    for number in range(PAGES):
        (site / f"page-{number}.md").write_text(f"# Page {number}\n\nThis is number {number}.\n")
    log = tmp_path / "log"
    assert await _run(tmp_path, log, calls) == -signal.SIGKILL
    index = LocalIndex(tmp_path / "index")
    assert (await index.search("number 7")).passages[0].document == "page-7.md"
    async with index.update("docs") as update:
        left = len(await update.unembedded("notes"))
    done = (calls - 1) * BATCH
    assert done - COMMIT < PAGES - left <= done
    assert await _run(tmp_path, log, 0) == 0
    async with index.update("docs") as update:
        assert await update.unembedded("notes") == []
    texts = log.read_text().splitlines()
    assert len(set(texts)) == PAGES
    assert len(texts) - PAGES < COMMIT + BATCH
    await index.close()


async def _run(folder: Path, log: Path, calls: int) -> int:
    command = [sys.executable, str(SCRIPT), str(folder / "index"), str(folder / "site"), str(log), str(calls)]
    env = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    return (await anyio.run_process(command, env=env, check=False)).returncode

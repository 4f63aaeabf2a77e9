"""An ingest with vectors in a process of its own, to be killed: `python embedding_process.py INDEX SITE LOG CALLS`.

Its model writes each text it embeds to LOG, one a line, and kills the process at its CALLS-th call; 0 means never.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import anyio

from lectern.adapters.local_index import LocalIndex
from lectern.ingest import embedding
from lectern.ingest.pipeline import ingest
from lectern.ports import Part, Vector

BATCH, COMMIT = 2, 4


class Notes:
    """Embeds by noting."""

    model = "notes"

    def __init__(self, log: Path, die_at: int) -> None:
        self.log = log
        self.die_at = die_at
        self.calls = 0

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Note the texts, or die."""
        self.calls += 1
        if self.calls == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        with self.log.open("a", encoding="utf-8") as log:
            log.writelines(text.replace("\n", " ") + "\n" for text in texts)
        return [[1.0, float(len(text))] for text in texts]

    def describe(self) -> Part:
        """Notes."""
        return Part("embeddings", "notes", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


async def main(*arguments: str) -> None:
    """Ingest, and die as asked."""
    index, site, log, calls = arguments
    for name, value in (("BATCH", BATCH), ("COMMIT", COMMIT), ("AT_ONCE", 1)):
        setattr(embedding, name, value)
    embeddings = Notes(Path(log), int(calls))
    await ingest(Path(site), site="docs", base_url=None, index=LocalIndex(Path(index)), embeddings=embeddings)


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:5])

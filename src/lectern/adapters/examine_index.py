"""What the local index holds: sites, pages, whose vectors, and since when."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lectern.adapters.local_index.files import IndexFiles
from lectern.adapters.local_index.generation import Generation
from lectern.ops.findings import Finding

_NAME: Final = "local index"
_INGEST: Final = "Ingest: ./entrypoint.sh ingest PATH --base-url URL."
_REBUILD: Final = "Delete its folder and ingest again: ./entrypoint.sh ingest PATH --base-url URL."
_SECONDS_A_DAY: Final = 86_400


def examine_index(directories: Sequence[Path], *, model: str | None) -> list[Finding]:
    """Open the index and count; reads only, and blocks.

    Args:
        directories: Where it may be; the first that has one counts.
        model: The embedding model of questions; None for retrieval by words.
    """
    for directory in directories:
        try:
            folder = IndexFiles(directory).current()
            if folder is None:
                continue
            generation = Generation(folder)
        except (OSError, sqlite3.Error) as error:
            return [Finding(_NAME, "fail", f"{directory} cannot be read ({type(error).__name__})", _REBUILD)]
        try:
            return [_judge(generation, directory, model)]
        finally:
            generation.retire()
    return [Finding(_NAME, "skipped", f"none in {directories[0]} yet; a start indexes Lectern's own pages", _INGEST)]


def _judge(generation: Generation, directory: Path, model: str | None) -> Finding:
    """The finding for an index that can be opened."""
    if not generation.readable:
        return Finding(_NAME, "warn", f"{directory} was built by another version and counts as empty", _INGEST)
    names = list(generation.documents)
    if not names:
        return Finding(_NAME, "warn", f"{directory} holds no site", _INGEST)
    site = f"site {names[0]}" if len(names) == 1 else f"{len(names)} sites"
    pages, sections = sum(generation.documents.values()), sum(generation.sections.values())
    vectors = f"vectors of {generation.model}" if generation.model else "no vectors"
    found = f"{pages} pages, {sections} sections, {site}, {vectors}, {_age(generation.folder)} in {directory}"
    if model is not None and generation.model != model:
        return Finding(
            _NAME, "warn", f"{found}; questions are embedded with {model}", f"{_INGEST} It makes the vectors."
        )
    return Finding(_NAME, "ok", found)


def _age(folder: Path) -> str:
    """How long ago a generation was built."""
    seconds = max(0.0, time.time() - folder.stat().st_mtime)
    if seconds >= 2 * _SECONDS_A_DAY:
        return f"{seconds / _SECONDS_A_DAY:.0f} days old"
    return f"{seconds / 3600:.0f} hours old" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} minutes old"

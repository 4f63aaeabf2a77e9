"""An ingest of CONTENT_DIR at the operator's wish: beside the server, one at a time in all workers of the machine.

What became of it stands in a small file that every worker reads. A worker that stops takes its ingest along; what was
committed stands, and the next one goes on from there.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from lectern.admin.schemas import IngestAnswer
from lectern.errors import IndexUnavailable, IngestRunning
from lectern.ops.file_lock import try_lock, unlock

logger = logging.getLogger(__name__)

_PAUSES: Final = (0.0, 0.02, 0.05)
"""Seconds before each look whether the lock is free."""

_REASONS: Final = {
    os.EX_DATAERR: "There is no page in CONTENT_DIR, or it cannot be read.",
    os.EX_TEMPFAIL: "A part is not available now; try again.",
}
"""What exit codes of the command line mean; of any other the log has the reason."""


class IngestDesk:
    """Begins ingests, and knows the last one.

    Args:
        folder: Where all workers find the lock and what became of the last ingest: DATA_DIR.
        run: Ingests to the end and returns an exit code; writes what it did to the given file, as JSON, if it can.
    """

    def __init__(self, folder: Path, run: Callable[[Path], Awaitable[int]]) -> None:
        self._folder = folder
        self._run = run
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin one.

        Raises:
            IngestRunning: One runs, in this worker or another.
            IndexUnavailable: Nothing can be written.
        """
        started = datetime.now(UTC)
        try:
            lock = await asyncio.to_thread(self._begin, started)
        except OSError as error:
            raise IndexUnavailable("DATA_DIR cannot be written.") from error
        if lock is None:
            raise IngestRunning
        self._task = asyncio.create_task(self._ingest(lock, started))

    async def last(self) -> IngestAnswer:
        """How the last one goes or went."""
        return await asyncio.to_thread(self._last)

    async def close(self) -> None:
        """End the one that runs here."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _ingest(self, lock: int, started: datetime) -> None:
        status, reason = "interrupted", "Its worker stopped."
        report = self._folder / "INGEST.report"
        try:
            code = await self._run(report)
            status, reason = "failed" if code else "done", _REASONS.get(code, "The log says why.") if code else ""
        except Exception:
            logger.exception("The ingest could not be run")
            status, reason = "failed", "The log says why."
        finally:
            ended = {"status": status, "started_at": started, "finished_at": datetime.now(UTC), "message": reason}
            try:
                await asyncio.to_thread(self._note_end, report, ended)
            finally:
                unlock(lock)

    def _begin(self, started: datetime) -> int | None:
        """Take the lock and note that one runs, so that whoever asks from now on is told so."""
        for pause in _PAUSES:  # one that has just ended, or somebody who looks, holds it for a moment
            time.sleep(pause)
            if (lock := self._take()) is not None:
                self._note(IngestAnswer(status="running", started_at=started))
                return lock
        return None

    def _take(self) -> int | None:
        self._folder.mkdir(parents=True, exist_ok=True)
        return try_lock(self._folder / "INGEST.lock")

    def _last(self) -> IngestAnswer:
        last = self._noted()
        if last.status != "running":
            return last
        try:
            lock = self._take()
        except OSError:
            return last
        if lock is None:
            return last
        try:
            last = self._noted()  # again, as it may have ended since: an end is noted before the lock is let go
        finally:
            unlock(lock)
        if last.status != "running":
            return last
        return last.model_copy(update={"status": "interrupted", "message": "Its worker was killed."})

    def _noted(self) -> IngestAnswer:
        """What stands in the file that all workers read."""
        try:
            return IngestAnswer.model_validate_json((self._folder / "INGEST.json").read_bytes())
        except (OSError, ValidationError):  # none was asked for here, or by another version
            return IngestAnswer(status="never")

    def _note(self, state: IngestAnswer) -> None:
        """Write what all workers read; whole, or not at all."""
        unfinished = self._folder / "INGEST.json.tmp"
        try:
            unfinished.write_text(state.model_dump_json(), encoding="utf-8")
            unfinished.replace(self._folder / "INGEST.json")
        except OSError as error:
            logger.warning("What became of the ingest cannot be noted: %s", error.strerror)

    def _note_end(self, report: Path, ended: dict[str, Any]) -> None:
        """Note how it ended, with what the ingest told of itself."""
        try:
            told = json.loads(report.read_bytes())
            report.unlink()
        except (OSError, ValueError):
            told = {}
        self._note(IngestAnswer.model_validate(told | ended))

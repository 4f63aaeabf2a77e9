"""Python of ours in a process of its own beside the server: what is slow or heavy stays out of the serving one.

Its lines go into the log. It ends with its caller at the latest, also when that is killed: its standard input is a pipe
from the caller, and one that calls `end_with_caller` ends when the pipe does. So it may be killed at any moment, and
what it does has to bear that.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

LOWEST_PRIORITY: Final = 19
"""The nice value of what readers must not notice."""

_SOURCES = Path(__file__).parents[2]
_LONGEST_LINE_BYTES = 1 << 20


async def run_beside(
    module: str,
    *arguments: str,
    log: logging.Logger,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> int:
    """Run `python -m module arguments` to its end and log what it says.

    Args:
        module: One that this package can import.
        arguments: Its arguments; no secrets, as others can read them.
        log: Gets each line: as information, or the last one as a warning when it fails.
        environment: Variables on top of this process's own.
        seconds: How long it may take; None for as long as it likes.

    Returns:
        Its exit code.

    Raises:
        TimeoutError: It took too long and was killed.
        OSError: It could not be started.
    """
    path = os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | dict(environment or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LONGEST_LINE_BYTES,
    )
    try:
        async with asyncio.timeout(seconds):
            return await _follow(process, log)
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself, as a rule
            process.kill()
        await process.wait()


async def _follow(process: asyncio.subprocess.Process, log: logging.Logger) -> int:
    """Log the lines as they come, one behind, so that the last one is told by how it ended."""
    assert process.stdout is not None
    last = ""
    async for line in process.stdout:
        if last:
            log.info("%s", last)
        last = line.decode("utf-8", "replace").strip()
    code = await process.wait()
    if last:
        log.log(logging.WARNING if code else logging.INFO, "%s", last)
    return code


def end_with_caller() -> None:
    """Called in the process beside: end, whatever is being done, as soon as the caller is gone."""
    threading.Thread(target=_wait_for_the_end_of_input, name="end-with-caller", daemon=True).start()


def _wait_for_the_end_of_input() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(os.EX_TEMPFAIL)

"""An ingest in a process of its own, to be killed: `python ingest_process.py INDEX OLD NEW HOW NUMBER`.

With HOW = `file` it ingests NEW and kills itself at the NUMBER-th thing it does to a file of the index; it prints how
many there were when it got to its end. With HOW = `time` it says `ready` and ingests NEW and OLD in turn until it is
killed. With HOW = `once` it ingests NEW.
"""

import os
import signal
import sys
from itertools import cycle
from pathlib import Path

import anyio

from lectern.adapters.local_index import LocalIndex
from lectern.ingest.pipeline import ingest


def kill_at(number: int, folder: str) -> list[str]:
    """Kill this process at the given event on a file of the folder; return the list that events are noted in."""
    seen: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if any(isinstance(argument, str | bytes | Path) and folder in str(argument) for argument in arguments):
            seen.append(event)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return seen


async def main(*arguments: str) -> None:
    """Ingest, and die as asked."""
    index_folder, old, new, how, number = arguments
    index = LocalIndex(Path(index_folder))

    async def put(folder: str) -> None:
        await ingest(Path(folder), site="site", base_url=None, index=index)

    if how == "time":
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for folder in cycle((new, old)):
            await put(folder)
    seen = kill_at(int(number), index_folder)
    await put(new)
    sys.stdout.write(str(len(seen)))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:6])

"""What other processes do to an index in these tests: `python index_processes.py VERB FOLDER …`."""

import resource
import sys
from pathlib import Path

import anyio
from tests.sample_pages import page, section

from lectern.adapters.local_index import LocalIndex
from lectern.errors import IndexUnavailable


async def write(folder: Path, name: str, rounds: int) -> None:
    """Put one page after the other, each in an update of its own."""
    index = LocalIndex(folder)
    for number in range(rounds):
        async with index.update("site") as update:
            await update.put([page(f"{name}-{number}.md", name, section(f"Page {number} of {name}."))])


async def follow(folder: Path) -> None:
    """Say `ready` and then, as soon as a search finds it, `seen`; the index is opened once."""
    index = LocalIndex(folder)
    await index.warm()
    assert not (await index.search("marzipan")).passages
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with anyio.fail_after(30):
        while not (await index.search("marzipan")).passages:  # noqa: ASYNC110 - another process writes
            await anyio.sleep(0.02)
    sys.stdout.write("seen\n")


async def fill(folder: Path, limit: int) -> None:
    """Write more than a disk takes that holds files of at most `limit` bytes, and name what comes of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    words = " ".join(f"word{number}" for number in range(2000))
    try:
        async with LocalIndex(folder).update("site") as update:
            await update.put([page(f"{number}.md", "Big", section(words)) for number in range(50)])
    except IndexUnavailable as error:
        sys.stdout.write(type(error).__name__)


async def modules(folder: Path) -> None:
    """Search without vectors and name what must not have been imported."""
    index = LocalIndex(folder)
    await index.search("flour")
    heavy = {"numpy", "sqlalchemy", "openai", "markdown_it", "fastapi"}
    sys.stdout.write(" ".join(sorted(heavy & set(sys.modules))))


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "write":
        anyio.run(write, Path(folder), rest[0], int(rest[1]))
    elif verb == "follow":
        anyio.run(follow, Path(folder))
    elif verb == "fill":
        anyio.run(fill, Path(folder), int(rest[0]))
    else:
        anyio.run(modules, Path(folder))

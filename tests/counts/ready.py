"""Which modules it takes to serve, printed by a process of its own.

`python -m tests.counts.ready` brings the app to where a worker serves, by the environment, as a start does. DATA_DIR
must hold a schema and pages, or they would be made. `python -m tests.counts.ready FOLDER` serves from there, asks
every kind of thing once, and prints what was imported only then.
"""

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Final

import uvloop

_WORKERS: Final = ("lectern.serving.worker", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on")


async def ready() -> set[str]:
    """The modules of a worker whose parts are warm."""
    from lectern.app import create_app  # noqa: PLC0415 - the other mode is not to have it
    from lectern.lifecycle.lifespan import lifespan  # noqa: PLC0415 - as above

    for module in _WORKERS:
        importlib.import_module(module)
    app = create_app()
    async with lifespan(app):
        while not app.state.readiness.warm:  # noqa: ASYNC110 - a flag, not an event
            await asyncio.sleep(0.01)
        return set(sys.modules)


async def late(folder: Path) -> set[str]:
    """The modules that the first readers wait for."""
    from tests.counts.service import running  # noqa: PLC0415 - imports more than a worker does

    async with running(folder) as service:
        before = set(sys.modules)
        for ask in (service.health, service.search, service.streamed, service.whole):
            await ask()
        return set(sys.modules) - before


if __name__ == "__main__":
    found = uvloop.run(late(Path(sys.argv[1])) if len(sys.argv) > 1 else ready())
    sys.stderr.write(f"MODULES {' '.join(sorted(found))}\n")

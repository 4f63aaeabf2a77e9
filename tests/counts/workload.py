"""Does the work that is counted, for valgrind, which is told where each count begins and ends.

By hand it tells why a count grew:

    make profile REGION=turn
    PYTHONPATH=src:. .venv/bin/python -m tests.counts.workload --profile long --sort cumulative --lines 60 --times 20

Both run a region's work under cProfile, without valgrind, on the same service; what the service does in threads is done
in the loop's thread then, so that it is seen too. Regions: health, search, turn, follow_up, json, long (540 tokens),
peers and peers_long (the provider and the reader alone).
"""

import argparse
import cProfile
import gc
import os
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest import mock

import uvloop
from tests.counts.pages import make_site
from tests.counts.regions import REGIONS, Region, repeat, warm
from tests.counts.service import running, settings_for

_TURN_SECONDS: Final = 60.0
"""How long a thread may keep the interpreter: with Python's 5 ms, its count would depend on the machine's speed."""


def mark() -> None:
    """A border between two counts: a system call that nothing else makes, which valgrind is told to look for."""
    os.getsid(0)


def begin_counting(pipes: str) -> None:
    """Have the valgrind that runs this process count from here on; until now it was five times as fast.

    Raises:
        CalledProcessError: It cannot be told to.
    """
    # Without `invoke` nothing is traced, which a container may forbid: this loop keeps valgrind listening.
    command = ["vgdb", f"--vgdb-prefix={pipes}", f"--pid={os.getpid()}", "--max-invoke-ms=0", "instrumentation", "on"]
    with subprocess.Popen(command, stdout=sys.stderr) as process:
        while process.poll() is None:
            pass
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


async def work(folder: Path, pipes: str) -> None:
    """Do the work of every region between two marks each."""
    sys.setswitchinterval(_TURN_SECONDS)
    async with running(folder) as service:
        session = await warm(service)
        begin_counting(pipes)
        for region in REGIONS:
            await region.work(service, session)
            gc.collect()
            mark()
            await repeat(region, service, session)
            mark()


async def profile(folder: Path, region: Region, times: int) -> cProfile.Profile:
    """Run a region's work under a profiler."""
    profiler = cProfile.Profile()
    with mock.patch("anyio.to_thread.run_sync", _here), mock.patch("asyncio.to_thread", _here):
        await make_site(settings_for(folder))
        async with running(folder) as service:
            session = await warm(service)
            profiler.enable()
            for _ in range(times):
                await repeat(region, service, session)
            profiler.disable()
    return profiler


async def _here(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function in this thread; where it is wanted in another, and how many may, is left out."""
    for name in ("limiter", "abandon_on_cancel", "cancellable"):
        options.pop(name, None)
    return function(*args, **options)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="filled by make_site; for valgrind")
    parser.add_argument("--pipes", help="valgrind's --vgdb-prefix; for valgrind")
    parser.add_argument("--profile", choices=[region.name for region in REGIONS])
    parser.add_argument("--sort", default="tottime", help="as pstats sorts; tottime unless told")
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--times", type=int, default=10, help="how often the region's repeats are repeated")
    arguments = parser.parse_args()
    if arguments.profile is None:
        if arguments.folder is None or arguments.pipes is None:
            parser.error("by hand it wants --profile REGION")
        uvloop.run(work(arguments.folder, arguments.pipes))
        return
    region = next(region for region in REGIONS if region.name == arguments.profile)
    with tempfile.TemporaryDirectory(prefix="lectern-counts-") as name:
        with Path(os.devnull).open("w") as nothing, mock.patch("sys.stdout", nothing):
            profiler = uvloop.run(profile(Path(name), region, arguments.times))
        done = region.times * arguments.times
        sys.stdout.write(f"{done} times {region.name}; divide by that\n")
        pstats.Stats(profiler).sort_stats(arguments.sort).print_stats(arguments.lines)


if __name__ == "__main__":
    main()

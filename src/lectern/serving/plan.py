"""From the container's limits to numbers: how many workers, and how large each worker's own pools are.

Pure: limits in, numbers and one sentence for each out. Connections are dealt unevenly over the workers of one
listening socket, so what a worker needs is sized for the whole target load and not for its share.
"""

import math
import sys
from dataclasses import dataclass

from .limits import Limits, Source

# One serves while the other is replaced, blocked or killed.
LEAST_WORKERS = 2
# One worker carries the target load several times over; more of them only spread CPU-bound work.
MOST_WORKERS = 16
# Resident memory of the master with the preloaded app: 104 MB with every part remote, 28 of it the files of libraries.
MASTER_BYTES = 100_000_000
# What a worker adds of its own: 29 MB idle, 46 MB after 50 chats at once; the rest is for longer answers.
WORKER_BYTES = 80_000_000
# The part of the limit that is planned; the rest is page cache, ingest and error.
USABLE_MEMORY = 0.8

# The load that every worker alone can carry: this many streams at once.
TARGET_STREAMS = 60
# A stream borrows a connection a few times for some milliseconds; 20 of them serve 60 streams that begin together.
MOST_CONNECTIONS_PER_WORKER = 20
LEAST_CONNECTIONS_PER_WORKER = 2
# All workers together stay below the 97 connections of the smallest hosted Postgres.
MOST_CONNECTIONS = 90
# Searching is CPU work outside the interpreter's lock; two threads so that one slow query holds up nobody.
LEAST_SEARCH_THREADS = 2
MOST_SEARCH_THREADS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How the server is sized.

    `database_connections` (and threads that use them) and `search_threads` are per worker. `sentences` holds one
    line for each number, in the order of the fields, and one for each source that was ignored.
    """

    workers: int
    database_connections: int
    search_threads: int
    sentences: tuple[str, ...]


def plan(limits: Limits, web_concurrency: int | None = None, database_connections: int | None = None) -> Plan:
    """Size the server.

    Args:
        limits: What the container allows.
        web_concurrency: The number of workers if the operator fixed it.
        database_connections: The connections of a worker if the operator fixed them.
    """
    workers, why = _workers(limits, web_concurrency)
    share = max(LEAST_CONNECTIONS_PER_WORKER, MOST_CONNECTIONS // workers)
    connections = database_connections or min(MOST_CONNECTIONS_PER_WORKER, share)
    fixed = ": DATABASE_CONNECTIONS says so" if database_connections else ""
    searches = min(MOST_SEARCH_THREADS, max(LEAST_SEARCH_THREADS, math.ceil(limits.cpu.value)))
    return Plan(
        workers=workers,
        database_connections=connections,
        search_threads=searches,
        sentences=(
            f"{_count(workers, 'worker')}: {why}.",
            f"{_count(connections, 'database connection')} a worker, {connections * workers} in all{fixed}.",
            f"{_count(searches, 'search thread')} a worker: {_cpus(limits.cpu)}.",
            *limits.ignored,
        ),
    )


def _workers(limits: Limits, web_concurrency: int | None) -> tuple[int, str]:
    """The number of workers, and why."""
    memory = limits.smallest_memory
    room = _room(memory)
    if web_concurrency is not None:
        warning = f", though {_size(memory)} has room for {room}" if memory and room < web_concurrency else ""
        return web_concurrency, f"WEB_CONCURRENCY says so{warning}"
    wanted = math.ceil(limits.cpu.value)
    why = _cpus(limits.cpu)
    if wanted < LEAST_WORKERS:
        wanted, why = LEAST_WORKERS, f"{why}, but one must serve while the other is replaced"
    elif wanted > MOST_WORKERS:
        wanted, why = MOST_WORKERS, f"{why}, and no more than {MOST_WORKERS} are of use"
    if memory and room < wanted:
        return room, f"{_size(memory)} has no room for the {wanted} that {_cpus(limits.cpu)} would carry"
    return wanted, why


def _room(memory: Source | None) -> int:
    """Workers that fit into memory; never none, and without a limit as many as can be asked for."""
    if memory is None:
        return sys.maxsize
    return max(1, math.floor((memory.value * USABLE_MEMORY - MASTER_BYTES) / WORKER_BYTES))


def _cpus(source: Source) -> str:
    return f"{source.value:.3g} {'CPU' if source.value == 1 else 'CPUs'} ({source.name})"


def _size(source: Source) -> str:
    mebibytes = source.value / 2**20
    amount = f"{mebibytes / 1024:.3g} GiB" if mebibytes >= 1024 else f"{mebibytes:.0f} MiB"  # noqa: PLR2004 - a GiB
    return f"{amount} of memory ({source.name})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""Another process that claims the same keys or turns, or sends the same write, many times at once.

    python -m tests.contracts.claiming_process claim ADDRESS HOLDER KEY…
    python -m tests.contracts.claiming_process turns ADDRESS PRINCIPAL TURN…
    python -m tests.contracts.claiming_process add ADDRESS PRINCIPAL KEY

It says `ready`, waits for a line, and prints what it got as JSON: for each of its ten claimers its keys or
turns, or the number of the task.
"""

import asyncio
import json
import sys
from typing import Any, Final
from uuid import uuid4

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_rewrites import SqlRewrites
from lectern.adapters.sql_tasks import SqlTasks
from lectern.ports import JournalHead

AT_ONCE: Final = 10


async def claimed(database: SqlDatabase, holder: str, keys: list[str]) -> list[list[str]]:
    """What each of ten claimers got."""
    rewrites = SqlRewrites(database)
    claims = [rewrites.claim(keys, holder=f"{holder}-{number}", seconds=60) for number in range(AT_ONCE)]
    return [sorted(claim.mine) for claim in await asyncio.gather(*claims)]


async def begun(database: SqlDatabase, principal_id: str, turns: list[str]) -> list[list[str]]:
    """The turns that each of ten claimers got."""

    async def claimer() -> list[str]:
        journal = SqlJournal(database)
        heads = [JournalHead(turn, str(uuid4()), principal_id, "Why?") for turn in turns]
        return [head.turn_id for head in heads if await journal.claim(head, seconds=60)]

    return await asyncio.gather(*(claimer() for _ in range(AT_ONCE)))


async def added(database: SqlDatabase, principal_id: str, key: str) -> list[int]:
    """The number that each of ten writers was told."""
    tasks = SqlTasks(database)
    writes = [tasks.add(principal_id, "Milk", most=100, key=key) for _ in range(AT_ONCE)]
    return [task.id for task in await asyncio.gather(*writes)]


async def main(verb: str, url: str, who: str, *keys: str) -> None:
    """Wait for the word, and go."""
    database = SqlDatabase(url, pool_size=AT_ONCE)
    await database.warm()
    print("ready", flush=True)  # noqa: T201 - who starts it reads it
    await asyncio.to_thread(sys.stdin.readline)
    match verb:
        case "claim":
            got: Any = await claimed(database, who, list(keys))
        case "turns":
            got = await begun(database, who, list(keys))
        case _:
            got = await added(database, who, keys[0])
    print(json.dumps(got), flush=True)  # noqa: T201 - as above
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

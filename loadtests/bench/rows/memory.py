"""Memory of the whole service with every remote configured, once it has answered and is idle.

Proportional set size of the master and both workers: a page that several share counts once in all. The remotes are
processes of their own and do not count.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from loadtests import remotes, services, targets
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.openloop import drive, figures
from loadtests.remotes import Everything
from loadtests.schedules import Exactly

_MODEL = "stub-ttft50-itl5-len40"
_TURNS = 60
_TURN_SECONDS = 6
_SETTLE_SECONDS = 3
_MEGABYTE = 1_000_000


def measure(options: Options) -> Sequence[Repetition]:
    """Start, let readers ask, wait until it is idle, and look; all of it once a repetition."""
    return [_once(options.scale) for _ in range(options.repeat)]


def _once(scale: float) -> Repetition:
    schedule = Exactly.of(max(4, round(_TURNS * scale)), max(1.0, _TURN_SECONDS * scale))
    with remotes.everything(_MODEL, WEB_CONCURRENCY="2") as everything:
        fresh = everything.lectern.pss_bytes()
        before = _asked(everything)
        run = asyncio.run(drive([targets.of_lectern(everything.lectern.url)], schedule))
        time.sleep(_SETTLE_SECONDS)
        held = everything.lectern.pss_bytes()
        found = figures(run.traces["lectern"])
        asked = {name: seen - before[name] for name, seen in _asked(everything).items()}
        asked["postgres"] = _kept(everything)
        detail: dict[str, object] = {
            "processes": _processes(everything),
            "before_the_turns_mb": round(fresh / _MEGABYTE, 1),
            "turns": found["answered"],
            "errors": found["errors"],
            "asked": asked,
        }
    values = {
        "PSS, idle": held / _MEGABYTE,
        "errors": float(sum(found["errors"].values())),
        "remotes that some turn went without": float(sum(seen < schedule.count for seen in asked.values())),
    }
    return Repetition(values, detail=detail)


def _asked(everything: Everything) -> dict[str, int]:
    """What each remote was asked so far."""
    requests = services.get(everything.stub, "/stats")["requests"]
    asked = {"llm": requests.get(_MODEL, 0), "embeddings": requests.get("stub-embed", 0)}
    searched = services.get(everything.qdrant, "/calls").get("query", 0)
    return asked | {"rerank": requests.get(remotes.RERANK_MODEL, 0), "qdrant": searched}


def _kept(everything: Everything) -> int:
    """Whole turns that Postgres has, which was empty at the start."""
    [(kept,)] = remotes.query(everything.postgres, "SELECT count(*) FROM turns WHERE outcome = 'answered'")
    return int(kept)


def _processes(everything: Everything) -> list[dict[str, Any]]:
    """PSS and unshared bytes of each process, and its threads."""
    found = []
    for process in everything.lectern.processes():
        memory = process.memory_full_info()
        found.append({"pss": memory.pss, "uss": memory.uss, "rss": memory.rss, "threads": process.num_threads()})
    return found


ROW: Final = Row(
    name="memory",
    title="PSS of the whole service, two workers, every remote configured, idle after turns",
    figures=(
        Figure("PSS, idle", "MB", 200),
        Figure("errors", "", 0),
        Figure("remotes that some turn went without", "", 0),
    ),
    measure=measure,
)

"""What one worker carries.

- **CPU**: all processor time of the service while streams run, for each second of each stream. The turn's own work
  (retrieval, saving) lies outside of the window. What one core carries is the inverse, and the very most: streams wait
  for each other long before that.
- **Idle**: what the service's PSS grows by for a stream that waits for its first token, and for a connection that was
  kept after an answer. The kernel's buffers come on top, and are no process's.
- **Database connections**: asked of Postgres, all through 200 streams, by a connection that does not count itself.
- **What breaks first**: readers keep coming and nobody is answered, until one gets something else than a place. What
  that one got is in the record.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from loadtests import remotes, services
from loadtests.bench import carrying
from loadtests.bench.row import Figure, Options, Repetition, Row
from loadtests.descriptors import make_room
from loadtests.remotes import Everything
from loadtests.services import Service

_STREAMS, _FAST_STREAMS, _IDLE, _READERS = 200, 50, 500, 900
_WINDOW_SECONDS = 10.0
_LINE_SECONDS = 7.0
"""Whoever stands in line is told within QUEUE_SECONDS, 5."""
_FILES = 8192
_SILENT_MODEL = "stub-ttft600000"
_PATIENT: Final = {
    "FIRST_TOKEN_TIMEOUT_SECONDS": "300",
    "REQUEST_TIMEOUT_SECONDS": "600",
    "MAX_ANSWER_TOKENS": "10000",
    "WEB_CONCURRENCY": "1",
}
"""Nobody's time is up, and no answer over, while the service is looked at."""
_ROOMY: Final = _PATIENT | {"LLM_CONCURRENCY": "1000"}


def measure(options: Options) -> Sequence[Repetition]:
    """All of it once a repetition, each part on a service of its own."""
    make_room(_FILES)
    return [_once(options.scale) for _ in range(options.repeat)]


def _once(scale: float) -> Repetition:
    window = max(1.5, _WINDOW_SECONDS * scale)
    with remotes.everything(_talker(200), **_ROOMY) as everything:
        values = asyncio.run(_slow(everything, _scaled(_STREAMS, scale), window))
    with services.stub() as stub:
        with services.lectern(stub.url, _talker(20), **_ROOMY) as lectern:
            values |= asyncio.run(_fast(lectern, _scaled(_FAST_STREAMS, scale), window))
        with services.lectern(stub.url, _SILENT_MODEL, **_ROOMY) as lectern:
            held = asyncio.run(carrying.idle(lectern, _scaled(_IDLE, scale)))
        room = _PATIENT if scale >= 1 else _PATIENT | {"LLM_CONCURRENCY": "10", "QUEUE_LENGTH": "10"}
        with services.lectern(stub.url, _SILENT_MODEL, **room) as lectern:
            most = _READERS if scale >= 1 else 30
            places, broke = asyncio.run(carrying.first_trouble(lectern, most, _LINE_SECONDS))
    values |= {"an idle connection": held.connection_bytes / 1000, "an idle stream": held.stream_bytes / 1000}
    return Repetition(
        values | {"readers with a place when there is no other": float(places)}, detail={"broke_first": broke}
    )


def _talker(gap_ms: int) -> str:
    """A model that talks for 80 seconds: all streams come, and are watched, within that."""
    return f"stub-ttft500-itl{gap_ms}-len{80_000 // gap_ms}"


def _scaled(count: int, scale: float) -> int:
    return max(10, round(count * scale))


async def _slow(everything: Everything, count: int, window: float) -> dict[str, float]:
    """Streams with a token every 200 ms, every remote configured."""
    lectern = everything.lectern
    before = carrying.descriptors(lectern)
    async with carrying.talking(lectern, count) as listeners:
        descriptors = carrying.descriptors(lectern) - before
        share, (connections, busy) = await asyncio.gather(
            carrying.processor_share(lectern, listeners, window),
            carrying.database_connections(everything.postgres, window),
        )
    return _carried(200, share) | {
        "descriptors a stream": descriptors / count,
        "database connections of 200 streams": float(connections),
        "database connections of 200 streams, in use": float(busy),
    }


async def _fast(lectern: Service, count: int, window: float) -> dict[str, float]:
    """Streams with a token every 20 ms."""
    async with carrying.talking(lectern, count) as listeners:
        return _carried(20, await carrying.processor_share(lectern, listeners, window))


def _carried(gap_ms: int, share: float) -> dict[str, float]:
    """The figures of a processor time a stream-second; at least one clock tick's worth, so that there is an inverse."""
    return {
        f"CPU a stream-second, a token every {gap_ms} ms": share * 1000,
        f"streams a core, a token every {gap_ms} ms": 1 / max(share, 1e-6),
    }


ROW: Final = Row(
    name="capacity",
    title="What one worker carries",
    figures=(
        Figure("CPU a stream-second, a token every 200 ms", "ms"),
        Figure("streams a core, a token every 200 ms", "", least=True),
        Figure("CPU a stream-second, a token every 20 ms", "ms"),
        Figure("streams a core, a token every 20 ms", "", least=True),
        Figure("an idle stream", "kB"),
        Figure("an idle connection", "kB"),
        Figure("descriptors a stream", ""),
        Figure("database connections of 200 streams", ""),
        Figure("database connections of 200 streams, in use", "", 0),
        Figure("readers with a place when there is no other", "", least=True),
    ),
    measure=measure,
)

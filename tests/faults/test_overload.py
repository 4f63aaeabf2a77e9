"""More comes than can be done: a crowd at once, and three times too much for a while."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from loadtests import targets
from loadtests.openloop import Schedule, drive, figures
from loadtests.wire import Target, Trace, exchange
from tests.faults.conftest import MakeRig, Seen
from tests.faults.readers import Chat
from tests.faults.rig import cpu_seconds

PEAK_SECONDS, OVERLOAD_SECONDS, AFTER_SECONDS = 8, 20, 5
READERS = 60
"""What each worker is sized for, and never refuses."""

LEAST_YIELD = 0.6
"""Answers for a second of the processor, of those at the peak; who else uses the machine meanwhile does not matter."""
LEAST_GOODPUT = 0.3
"""Answers a second, of those at the peak. On a machine of its own it is over 0.8 (`make bench`)."""


@pytest.mark.fault(25, "180 readers at once, three times the target load, twice")
async def test_overload_passes_with_its_cause(rig: MakeRig, seen: Seen) -> None:
    """Each is answered in full or told to come back; right after, an answer takes as long as before."""
    service = rig("stub-ttft200-itl20-len40")
    calm = [(await service.one()).seconds for _ in range(3)]
    chats: list[Chat] = []
    for _ in range(2):
        chats += await service.many(180)
    whole = [chat for chat in chats if chat.last == "done"]
    refused = [chat for chat in chats if chat.status == 503]
    assert len(whole) + len(refused) == 360
    assert len(whole) >= 180
    assert all(chat.body["retryable"] for chat in refused)
    over = time.monotonic()
    while (after := await service.one()).seconds > 2 * max(calm):
        assert time.monotonic() - over < 5
    slowest = max(chat.seconds for chat in whole)
    seen(
        f"{len(whole)} × done, {len(refused)} × 503; an answer takes {max(calm):.2f} s alone, ≤ {slowest:.1f} s under "
        f"overload, {after.seconds:.2f} s after it"
    )


async def at_peak(target: Target) -> list[Trace]:
    """What one worker does for as many readers as are never refused, each asking again as soon as it is answered."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PEAK_SECONDS
    traces: list[Trace] = []

    async def read() -> None:
        while loop.time() < end:
            traces.append(await exchange(target, loop.time(), 60))

    await asyncio.gather(*(read() for _ in range(READERS)))
    return traces


def goodput(traces: Sequence[Trace], seconds: float) -> float:
    """Whole answers a second in these seconds from the first arrival on."""
    begun = min(trace.due for trace in traces)
    ends = [trace.ended - begun for trace in traces if trace.ended is not None and not trace.error]
    return sum(ended < seconds for ended in ends) / seconds


@pytest.mark.fault(25, f"three times what one worker can do, for {OVERLOAD_SECONDS} s")
async def test_overload_is_refused_at_the_door(rig: MakeRig, seen: Seen) -> None:
    """It does as much as before, whole; the rest is told at once when to come back; five seconds after all is well."""
    service = rig(workers=1)
    service.prober.limit_seconds = 5
    target = targets.of_lectern(service.base_url)
    calm = [(await service.one()).seconds for _ in range(3)]
    (worker,) = service.workers()
    used = [cpu_seconds(worker)]
    before = await at_peak(target)
    used.append(cpu_seconds(worker))
    assert not [trace.error for trace in before if trace.error]
    peak = goodput(before, PEAK_SECONDS)

    run = await drive([target], Schedule(3 * peak, OVERLOAD_SECONDS, patience_seconds=60))
    used.append(cpu_seconds(worker))
    traces = run.traces["lectern"]
    shown = figures(traces)
    assert set(shown["errors"]) == {"status 503"}
    assert shown["refused_without_retry_after"] == 0
    kept = goodput(traces, OVERLOAD_SECONDS) / peak
    assert kept >= LEAST_GOODPUT
    yielded = (shown["answered"] / (used[2] - used[1])) / (len(before) / (used[1] - used[0]))
    assert yielded >= LEAST_YIELD
    assert shown["refused_ms"]["p50"] < 1000

    await asyncio.sleep(AFTER_SECONDS)
    after = (await drive([target], Schedule(peak / 4, AFTER_SECONDS, patience_seconds=60))).traces["lectern"]
    assert not [trace.error for trace in after if trace.error]
    log = service.served.log
    assert log.count("Refusing new turns") == log.count("Taking all turns again") <= 5
    seen(
        f"peak {peak:.0f} a second; {len(traces) / OVERLOAD_SECONDS:.0f} asked: {kept:.0%} of the peak answered "
        f"({yielded:.0%} for a second of the processor), "
        f"{len(traces) - shown['answered']} x 503 after {shown['refused_ms']['p50']:.0f} ms "
        f"(p95 {shown['refused_ms']['p95']:.0f}); an answer takes {max(calm):.2f} s alone, "
        f"{figures(after)['total_ms']['p50'] / 1000:.2f} s right after"
    )

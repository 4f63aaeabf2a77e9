"""More comes than can be done: a crowd at once, and three times too much for a while."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest
from loadtests import targets
from loadtests.openloop import Schedule, drive, figures
from loadtests.wire import Target, Trace, exchange
from tests.faults.conftest import MakeRig, Seen
from tests.faults.readers import Chat
from tests.faults.rig import QUESTION, cpu_seconds

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


@pytest.mark.fault(25, "one question more than MAX_TURNS, on a kept connection, with a body that is not read")
async def test_a_refused_reader_keeps_the_connection(rig: MakeRig, seen: Seen) -> None:
    """It is refused before its body has come, and asks again on the same connection when there is room."""
    service = rig("stub-ttft200-itl50-len40", workers=1, MAX_TURNS="1")
    body = json.dumps({"message": QUESTION, "context": "x" * 5000}).encode()
    head = f"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    answering = asyncio.create_task(service.one())
    async with service.client() as http:
        while not (await http.get("/health")).json()["turns"]["under_way"]:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.02)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.served.port)
    refused = 0
    async with asyncio.timeout(60):
        while not await is_answered(reader, writer, head.encode(), body):
            refused += 1
    writer.close()
    await writer.wait_closed()
    assert (await answering).last == "done"
    assert refused
    seen(f"{refused} x 503 before the body, then 200, all on one connection")


async def is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> bool:
    """Whether a question is answered; its body is held back for a moment, so that a refusal is there before it."""
    writer.write(head)
    await asyncio.sleep(0.1)
    writer.write(body)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    told = json.loads(await reader.readexactly(length))
    if answer.startswith(b"http/1.1 200 "):
        return True
    assert answer.startswith(b"http/1.1 503 ")
    assert b"retry-after: " in answer
    assert told["error"] == "too_busy"
    return False

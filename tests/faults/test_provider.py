"""The provider fails: slowly, at once, in the middle, or in bytes."""

import time
from itertools import pairwise

import anyio
import pytest
from tests.faults.conftest import MakeRig, Seen
from tests.faults.proxy import Proxy, Toxics
from tests.faults.readers import Chat
from tests.faults.rig import Rig

WIDE = "How do I run the tests? 🎉 größe"
MODEL = "stub-ttft20-itl5-len40"


def requests(rig: Rig) -> int:
    """Chat requests that the stub has been sent by this rig's model."""
    return int(rig.stub.stats()["requests"].get(rig.model, 0))


@pytest.mark.fault(1, "provider takes the request and never answers")
async def test_a_provider_that_hangs_is_stood_in_for(rig: MakeRig, proxy: Proxy, seen: Seen) -> None:
    """Within the first-token limit each reader gets quoted passages, marked degraded, and the connection is freed."""
    service = rig()
    assert (await service.one()).last == "done"
    proxy.set(Toxics(hang=True))
    chats = await service.many(20)
    assert {(chat.last, "llm" in chat.degraded) for chat in chats} == {("done", True)}
    slowest = max(chat.seconds for chat in chats)
    assert slowest < 20
    assert all("make test" in chat.text for chat in chats)
    seen(f"20 readers answered after ≤ {slowest:.1f} s (limit 2 s)")


@pytest.mark.fault(2, "provider falls silent in the middle, without a FIN")
async def test_a_silent_provider_ends_in_a_failed_event(rig: MakeRig, seen: Seen) -> None:
    """The limit between tokens ends the stream with one `failed`; what was said is saved once, as failed."""
    service = rig("stub-ttft20-itl5-len40-stall10")
    chats = await service.many(10)
    assert {(chat.last, chat.code) for chat in chats} == {("failed", "upstream_timeout")}
    kept = service.turns()
    assert sorted(kept.values()) == sorted(("failed", chat.text) for chat in chats)
    assert all(len(chat.text) > 5 for chat in chats)
    slowest = max(chat.seconds for chat in chats)
    assert slowest < 15
    seen(f"10 readers told after ≤ {slowest:.1f} s (limit 1 s), 10 partial turns kept")


@pytest.mark.fault(3, "answers come cut inside characters and frames, late, or slowly")
@pytest.mark.parametrize(
    "toxics",
    [
        Toxics(slicer=7, slicer_delay=0.0005),
        Toxics(latency=0.1, jitter=0.1),
        Toxics(bandwidth=10_000),
    ],
    ids=["sliced", "late", "slow"],
)
async def test_how_bytes_come_changes_nothing(rig: MakeRig, proxy: Proxy, seen: Seen, toxics: Toxics) -> None:
    """The answer is the same, and no frame holds half a character."""
    service = rig("stub-len20")
    whole = await service.one(question=WIDE)
    proxy.set(toxics)
    chat = await service.one(question=WIDE)
    assert (chat.last, chat.degraded) == ("done", {})
    assert chat.text == whole.text
    assert any(ord(character) > 0xFFFF for character in chat.text), chat.text
    seen(f"{len(whole.text)} characters, the same, after {chat.seconds:.2f} s")


@pytest.mark.fault(3, "answer cut after N bytes, by FIN and by RST, for many N")
async def test_a_cut_answer_ends_in_one_event(rig: MakeRig, proxy: Proxy, seen: Seen) -> None:
    """Wherever the cut is, valid frames and one last event; after the first word nothing is asked again."""
    service = rig("stub-itl1-len20")
    whole = await service.one(question=WIDE)
    assert whole.last == "done"
    ends: dict[str, int] = {}
    for limit in (0, 50, *range(150, 4000, 173)):
        for ending in ("fin", "rst"):
            before = requests(service)
            proxy.set(Toxics(limit=limit, ending=ending))
            chat = await service.one(question=WIDE)
            if chat.last == "failed":
                assert whole.text.startswith(chat.text)
                assert chat.text
                assert requests(service) - before == 1
            kind = f"{chat.last}{' degraded' if chat.degraded else ''}"
            ends[kind] = ends.get(kind, 0) + 1
    assert ends["failed"] > 5
    assert ends["done degraded"] > 1
    seen(", ".join(f"{count} × {kind}" for kind, count in sorted(ends.items())))


@pytest.mark.fault(4, "provider answers with an error status")
@pytest.mark.parametrize("status", [401, 429, 500])
async def test_refusals_are_stood_in_for_at_once(rig: MakeRig, seen: Seen, status: int) -> None:
    """Readers get quoted passages without a wait, a 401 is asked once a question, and no log line has the key."""
    service = rig(f"stub-fail{status}-tagfaults")
    before = requests(service)
    chats = await service.many(10)
    assert {(chat.last, "llm" in chat.degraded) for chat in chats} == {("done", True)}
    asked = requests(service) - before
    assert asked <= (10 if status == 401 else 20)
    assert "sk-fault-suite" not in service.served.log
    slowest = max(chat.seconds for chat in chats)
    assert slowest < 10
    seen(f"10 questions, {asked} requests, answered after ≤ {slowest:.2f} s")


@pytest.mark.fault(5, "provider is ten times slower, but fine")
async def test_a_slow_provider_slows_nothing_else(rig: MakeRig, seen: Seen) -> None:
    """While 40 answers crawl, searches are as fast as before."""
    service = rig("stub-ttft300-itl100-len20")

    async def searches() -> list[float]:
        took = []
        async with service.client() as http:
            for _ in range(20):
                started = time.monotonic()
                (await http.post("/search", json={"query": "running the tests"})).raise_for_status()
                took.append(time.monotonic() - started)
        return sorted(took)

    calm = await searches()
    chats: list[Chat] = []
    async with anyio.create_task_group() as group:

        async def read() -> None:
            chats.extend(await service.many(40))

        group.start_soon(read)
        await anyio.sleep(0.5)  # the answers are on their way
        busy = await searches()
    assert {chat.last for chat in chats} == {"done"}
    assert busy[18] < max(10 * calm[18], 1)
    seen(f"search p95 {calm[18] * 1000:.0f} ms alone, {busy[18] * 1000:.0f} ms beside 40 slow answers")


@pytest.mark.fault(26, "start with every remote down")
async def test_a_start_without_any_remote_serves_and_recovers(rig: MakeRig, proxy: Proxy, seen: Seen) -> None:
    """`/health` is 200 at once and says degraded after the first question, chats quote, and all heals by itself."""
    proxy.set(Toxics(down=True))
    service = rig(EMBEDDING_MODEL="stub-embed")
    started = time.monotonic()
    async with service.client() as http:
        health = await http.get("/health")
        answered = time.monotonic() - started
        assert health.status_code == 200
    chat = await service.one()
    assert (chat.last, set(chat.degraded)) == ("done", {"llm", "embeddings"})
    proxy.set()
    up = time.monotonic()
    while (chat := await service.one()).degraded:
        assert time.monotonic() - up < 10
        await anyio.sleep(0.1)
    assert chat.last == "done"
    seen(
        f"/health after {answered * 1000:.0f} ms, full answers {time.monotonic() - up:.1f} s after the remotes came up"
    )


@pytest.mark.fault(0, "the N-th I/O with the provider fails, for every N of one chat")
@pytest.mark.parametrize("on", [False, True], ids=["once", "and all later"])
async def test_every_operation_may_fail(rig: MakeRig, proxy: Proxy, seen: Seen, *, on: bool) -> None:
    """Wherever it strikes, the reader gets an answer or one `failed`; the last run, undisturbed, is whole."""
    # Breakers that stay closed: each run meets the provider anew.
    service = rig(
        "stub-ttft5-itl20-len5",
        workers=1,
        EMBEDDING_MODEL="stub-embed",
        BREAKER_FAILURES="1000",
        BREAKER_MIN_CALLS="1000",
    )
    assert not (await service.one()).degraded
    ends = []
    for number in range(1, 60):
        proxy.reset()
        proxy.set(Toxics(fail_at=number, fail_on=on))
        chat = await service.one()
        ends.append("failed" if chat.last == "failed" else "+".join(sorted(chat.degraded)) or "whole")
        problems = service.leaks_soon()
        assert not problems, (number, problems)
        if proxy.operations < number:
            break
    assert ends[-1] == "whole"
    assert len(ends) > 8
    runs = [ends[0], *(after for before, after in pairwise(ends) if before != after)]
    seen(f"{len(ends)} runs: {', '.join(f'{ends.count(run)} {run}' for run in dict.fromkeys(runs))}")

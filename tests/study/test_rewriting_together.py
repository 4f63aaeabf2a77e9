"""Several who want the same chapter at once: each segment is paid once, and nobody waits for who has left."""

import asyncio
from contextlib import aclosing, suppress

from tests.study.kept import MemoryRewrites, UnavailableRewrites
from tests.study.models import KNOBS, URDU, RewritingLLM, read, rewriter
from tests.study.store_page import PAGE, expected

from lectern.errors import UpstreamUnavailable
from lectern.ports import Rewrites
from lectern.study.rewriting import Knobs
from lectern.study.segments import cut

SMALL = Knobs(batch_tokens=40, calls=2, lease_seconds=KNOBS.lease_seconds)


async def test_two_requests_of_one_process_pay_once() -> None:
    """Ten readers of a new chapter at the same moment: each segment is asked for once, with and without a store."""
    stores: tuple[Rewrites | None, ...] = (MemoryRewrites(), UnavailableRewrites(), None)
    for store in stores:
        page, llm = cut(PAGE), RewritingLLM()
        service = rewriter(llm, store, knobs=SMALL)
        results = await asyncio.gather(*(read(service, page) for _ in range(10)))
        assert {end.texts for _, end in results} == {(expected(page),)}
        assert sorted(llm.texts) == sorted(set(llm.texts))
        assert sum(end.model_calls for _, end in results) == len(llm.prompts)


async def test_two_processes_pay_once() -> None:
    """Two rewriters over one store at the same moment: who does not get a lease waits for what the other keeps."""
    page, store, llm = cut(PAGE), MemoryRewrites(), RewritingLLM()
    first, second = rewriter(llm, store, knobs=SMALL), rewriter(llm, store, knobs=SMALL)
    results = await asyncio.gather(read(first, page), read(second, page))
    assert {end.texts for _, end in results} == {(expected(page),)}
    assert len(llm.texts) == len(set(llm.texts))
    assert sum(end.cached for _, end in results) == len(page.segments)
    assert store.leases == {}


async def test_who_waits_goes_on_when_the_other_leaves() -> None:
    """A reader who leaves gives up what was claimed; another one, who waits for it in this process, takes it over."""
    page, store, held = cut(PAGE), MemoryRewrites(), RewritingLLM(hold=asyncio.Event())
    service = rewriter(held, store)
    leaving = asyncio.create_task(read(service, page))
    await held.asked.wait()
    staying = asyncio.create_task(read(service, page))
    await asyncio.sleep(0.01)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    held.hold = None
    _, end = await staying
    assert (end.texts[0], end.model_calls, held.open) == (expected(page), 1, 0)
    assert store.leases == {}


async def test_leases_of_the_dead_end() -> None:
    """What a worker claimed that was killed is claimed anew when its lease is over, and not before."""
    now = 0.0
    store, llm = MemoryRewrites(now=lambda: now), RewritingLLM()
    page = cut(PAGE)
    keys = await keys_of(store)
    await store.claim(keys, holder="dead", seconds=60)
    waiting = asyncio.create_task(read(rewriter(llm, store), page))
    await asyncio.sleep(0.3)
    assert llm.prompts == []
    now = 61.0
    _, end = await waiting
    assert (end.texts[0], end.model_calls) == (expected(page), 1)


async def keys_of(store: MemoryRewrites) -> list[str]:
    """The keys of the page's segments, learnt by rewriting it once; the store is empty afterwards."""
    await read(rewriter(RewritingLLM(), store), cut(PAGE))
    keys = list(store.texts)
    store.texts.clear()
    return keys


async def test_part_of_a_batch_may_be_another_s() -> None:
    """Of a batch with segments that another replica works on, only the others are asked for."""
    store, llm = MemoryRewrites(), RewritingLLM()
    keys = await keys_of(store)
    await store.claim(keys[:3], holder="other", seconds=60)
    waiting = asyncio.create_task(read(rewriter(llm, store), cut(PAGE)))
    store.has_more.clear()
    await store.has_more.wait()
    assert len(llm.texts) == len(keys) - 3
    await store.release(keys[:3], holder="other")
    _, end = await waiting
    assert end.texts[0] == expected(cut(PAGE))
    assert len(llm.texts) == len(set(llm.texts)) == len(keys)


async def test_a_failure_is_shared() -> None:
    """Readers who wait for a call that fails are told so, and do not each ask a model that is down."""
    llm = RewritingLLM(errors=[UpstreamUnavailable()] * 100, hold=(hold := asyncio.Event()))
    service = rewriter(llm, MemoryRewrites())
    requests = [asyncio.create_task(read(service, cut(PAGE))) for _ in range(5)]
    await llm.asked.wait()
    await asyncio.sleep(1)  # for the other four to come to the same place
    hold.set()
    results = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(result) for result in results] == [UpstreamUnavailable] * 5
    assert len(llm.prompts) == 2


async def test_a_reader_who_leaves_leaves_nothing() -> None:
    """Left after a section, in the middle of a call: no task, lease or call stays, and what was done is kept."""
    store = MemoryRewrites()
    llm = RewritingLLM()
    page = cut(PAGE + "\n\n".join(f"## Part {n}\n\nParagraph {n} " + "is about the store " * 9 for n in range(8)))
    before = asyncio.all_tasks()
    async with aclosing(rewriter(llm, store, knobs=SMALL).rewrite([page], URDU, payer=None)) as events:
        await anext(events)
        llm.hold = asyncio.Event()
        llm.asked.clear()
        await llm.asked.wait()
    assert asyncio.all_tasks() == before
    assert (llm.open, store.leases) == (0, {})
    assert 0 < len(store.texts) < len(page.segments)

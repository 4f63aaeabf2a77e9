"""The queues for the processor's threads."""

import gc
import threading
from functools import partial

import anyio
import anyio.to_thread

from lectern.resilience.threads import processor_threads, waiting


async def test_the_longest_queue_counts_for_each_thread() -> None:
    """Six calls on two threads are four that wait, two a thread; a shorter queue adds nothing."""
    gc.collect()
    assert waiting() == 0
    go_on = threading.Event()
    long, short = processor_threads(2), processor_threads(1)
    async with anyio.create_task_group() as group:
        for limiter in (*[long] * 6, *[short] * 2):
            group.start_soon(partial(anyio.to_thread.run_sync, go_on.wait, limiter=limiter))
        await anyio.wait_all_tasks_blocked()
        while waiting() < 2:  # noqa: ASYNC110 - a thread has no event for its start
            await anyio.sleep(0.01)
        assert waiting() == 2
        go_on.set()
    assert waiting() == 0


def test_before_the_loop_nobody_waits() -> None:
    """Limiters are made before the fork; what is dropped is not counted any more."""
    limiter = processor_threads(3)
    assert waiting() == 0
    del limiter
    gc.collect()
    assert waiting() == 0

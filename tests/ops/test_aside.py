"""Blocking calls that hang hold up nobody."""

import asyncio
import subprocess
import sys
import threading

import pytest

from lectern.ops.aside import run_aside


async def test_a_result_and_an_error_come_back() -> None:
    """As from the function itself."""
    assert await run_aside(int, "42") == 42
    with pytest.raises(ValueError, match="invalid literal"):
        await run_aside(int, "x")


async def test_the_wait_for_a_call_that_hangs_can_be_ended() -> None:
    """The loop goes on, and what comes late is dropped."""
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await run_aside(gate.wait, 30)
    gate.set()
    await asyncio.sleep(0.05)


def test_a_process_ends_while_a_call_hangs() -> None:
    """Its thread keeps nobody alive, as one of a pool would."""
    code = (
        "import asyncio, time\nfrom lectern.ops.aside import run_aside\n"
        "async def main():\n    try:\n        await asyncio.wait_for(run_aside(time.sleep, 60), 0.05)\n"
        "    except TimeoutError:\n        print('left')\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "left\n"

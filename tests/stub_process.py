"""The stub LLM as a real process, for tests that speak HTTP to a provider.

@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
with running_stub() as stub:
yield stub
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Stub:
    """A running stub.

    Attributes:
        base_url: What to give an OpenAI client, ending in `/v1`.
        pid: Its process.
    """

    base_url: str
    pid: int

    def stats(self) -> dict[str, Any]:
        """Its counters: `requests` by model, `open` answers, `most_open`, `abandoned`, `connections`."""
        return dict(httpx2.get(f"{self.base_url}/stats").raise_for_status().json())

    def last(self, model: str) -> dict[str, Any]:
        """The last request that was made to a model: `headers` and `body`."""
        return dict(httpx2.get(f"{self.base_url}/last", params={"model": model}).raise_for_status().json())

    def spans(self, model: str) -> list[tuple[float, float]]:
        """When each request to a model began and ended, by the machine's monotonic clock, in order of their begin."""
        found = httpx2.get(f"{self.base_url}/spans", params={"model": model}).raise_for_status().json()
        return sorted((began, ended) for began, ended in found)

    async def until(self, seconds: float = 10, **expected: int) -> dict[str, Any]:
        """Wait until counters have these values.

        Raises:
            TimeoutError: They did not get there in time.
        """
        with anyio.fail_after(seconds):
            while True:
                stats = await anyio.to_thread.run_sync(self.stats)
                if all(stats[name] == value for name, value in expected.items()):
                    return stats
                await anyio.sleep(0.02)


@contextmanager
def running_stub(port: int = 0) -> Iterator[Stub]:
    """Start a stub on this port, or on a free one, and end it with the block."""
    command = [sys.executable, "-m", "loadtests.stub_llm", "--port", str(port)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), "the stub did not start"
        try:
            yield Stub(address, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

"""Waves of readers: all at once, counted against the service alone, and what becomes of those who leave."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from loadtests import services, targets
from loadtests.peers.waves import Running, Wave
from tests.stub_process import Stub

pytestmark = pytest.mark.process
MODEL = "stub-ttft100-itl20-len40"


LONG = "stub-ttft100-itl20-len300"
"""An answer of six seconds: a busy machine, too, sees its middle."""


@pytest.fixture
def relay(stub: Stub, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A bare relay before the stub."""
    with services.relay(stub.base_url, getattr(request, "param", MODEL)) as service:
        yield Running(service, targets.of_relay(service.url), f"{service.url}/health")


def test_a_wave_comes_at_once() -> None:
    """Every target gets so many readers, all of them due at the start."""
    assert Wave.of(2).arrivals(3) == [(0.0, 0), (0.0, 1), (0.0, 2)] * 2


def test_a_wave_is_measured(relay: Running) -> None:
    """Everybody is answered, the processor's time is of the tokens that came, and `/health` was asked meanwhile."""
    found = relay.asked(8, MODEL)
    assert (found["asked"], found["answered"], found["tokens"]) == (8, 8, 8 * 40)
    assert found["first_token_ms"]["p50"] >= 100
    assert found["total_ms"]["p95"] >= found["first_token_ms"]["p95"]
    assert 0 < found["cpu_us_a_token"] < 100_000
    assert found["health"]["failures"] == 0
    assert found["health"]["ms"] is not None


@pytest.mark.parametrize("relay", [LONG], indirect=True)
def test_readers_who_leave_end_their_calls(relay: Running, stub: Stub) -> None:
    """The relay tells the provider of each reader who left."""
    assert relay.left(stub.base_url) == {"readers": 10, "closed": 10}


@pytest.mark.parametrize("relay", [LONG], indirect=True)
def test_a_stop_is_seen_by_who_reads(relay: Running) -> None:
    """Uvicorn waits for its streams: all of them come whole, and the service is gone."""
    assert relay.stopped() == {"readers": 10, "whole": 10}


def test_a_service_that_dies_cuts_its_readers(stub: Stub) -> None:
    """A service without a graceful end shows as broken streams."""
    code = (
        "import socket, time\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "held = [listener.accept() for _ in range(10)]\n"
        "[one.send(b'HTTP/1.1 200 OK\\r\\n\\r\\nevent: delta\\ndata: 1\\n\\n') for one, _ in held]\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        found = Running(services.Service(url, process.pid), targets.of_relay(url), f"{url}/health").stopped()
    assert found == {"readers": 10, "whole": 0}

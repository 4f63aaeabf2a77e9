"""The end of a real server: what each signal promises."""

import http.client
import os
import signal
import time

import pytest
from tests.serving.conftest import Serve
from tests.serving.servers import Served, alive, until

pytestmark = pytest.mark.process


def ends_cleanly(server: Served, seconds: float) -> None:
    """The master exits with 0 in time, and every worker has run its exit hooks, last of all."""
    started = time.monotonic()
    assert server.exit_code() == 0, server.log
    assert time.monotonic() - started < seconds, server.log
    assert sorted(server.noted("atexit")) == sorted(server.noted("startup"))


def test_sigterm_lets_streams_end_and_then_the_app(serve: Serve) -> None:
    """Short streams finish, the rest are told, then cancelled; `finally`, shutdown and exit hooks follow in order."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="5")
    short = server.stream("n=10&every=0.1")
    polite = server.stream("n=1000&every=0.1&polite")
    stubborn = server.stream("n=1000&every=0.1")
    server.signal(signal.SIGTERM)
    until(lambda: not server.accepts())
    assert short.read().endswith(b"chunk 9\nend\n")
    assert polite.read().endswith(b"last words\n")
    with pytest.raises(http.client.IncompleteRead):
        stubborn.read()
    ends_cleanly(server, 15)
    assert "SIGKILL" not in server.log
    for pid in set(server.noted("startup")):
        own = [what for worker, what in server.happened if worker == pid and what != "cancelled"]
        assert own[-2:] == ["shutdown", "atexit"]
        assert "finally" not in own[own.index("shutdown") :]
    assert len(server.noted("cancelled")) == 1
    assert len(server.noted("finally")) == 3


def test_sigterm_does_not_wait_when_there_is_nothing_to_wait_for(serve: Serve) -> None:
    """Idle kept-alive connections do not hold up the end."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="100")
    idle = server.connect()
    idle.request("GET", "/pid")
    idle.getresponse().read()
    server.signal(signal.SIGTERM)
    ends_cleanly(server, 30)


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT, None), (signal.SIGQUIT, None)],
)
def test_whoever_asks_twice_or_urgently_does_not_wait(
    serve: Serve, first: signal.Signals, second: signal.Signals | None
) -> None:
    """A second SIGTERM, SIGINT and SIGQUIT end streams at once, and still cleanly."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="200")
    polite, stubborn = server.stream("n=1000&every=1&polite"), server.stream("n=1000&every=0.1")
    server.signal(first)
    if second is not None:
        until(lambda: not server.accepts())
        server.signal(second)
    ends_cleanly(server, 20)
    assert polite.read().endswith(b"last words\n")
    with pytest.raises(http.client.IncompleteRead):
        stubborn.read()
    assert len(server.noted("finally")) == 2
    assert len(server.noted("shutdown")) == 2


def test_ctrl_c_on_the_whole_group_ends_at_once(serve: Serve) -> None:
    """A terminal sends SIGINT to master and workers alike; the end is as quick and as clean."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="200")
    server.stream("n=1000&every=0.1")
    os.killpg(server.process.pid, signal.SIGINT)
    ends_cleanly(server, 20)
    assert len(server.noted("finally")) == 1


def test_an_app_that_hangs_in_its_shutdown_is_left(serve: Serve) -> None:
    """An app's shutdown that never ends costs its time only: exit hooks run before the kill."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="3", SLOW_SHUTDOWN="1")
    server.signal(signal.SIGTERM)
    ends_cleanly(server, 20)
    assert "SIGKILL" not in server.log


def test_a_worker_that_has_not_started_yet_stops_at_once(serve: Serve) -> None:
    """A startup that hangs does not hold up a stop."""
    server = serve(wait=False, SLOW_STARTUP="60", GRACEFUL_TIMEOUT_SECONDS="200")
    until(lambda: len(server.noted("startup")) == 2)
    server.signal(signal.SIGTERM)
    ends_cleanly(server, 30)


def test_workers_without_a_master_stop(serve: Serve) -> None:
    """When the master is killed the workers drain and free the port, instead of serving for ever."""
    server = serve()
    stream = server.stream("n=10&every=0.1")
    server.signal(signal.SIGKILL)
    assert stream.read().endswith(b"end\n")
    until(lambda: not any(alive(pid) for pid in server.noted("startup")))
    assert len(server.noted("shutdown")) == 2


def test_a_worker_that_retires_cuts_no_stream(serve: Serve) -> None:
    """After its last request a worker finishes a stream longer than the heartbeat's timeout, then is replaced."""
    server = serve(WEB_CONCURRENCY="1", MAX_REQUESTS="4", WORKER_TIMEOUT_SECONDS="2", GRACEFUL_TIMEOUT_SECONDS="2")
    stream = server.stream("n=50&every=0.1")
    for _ in range(4):
        server.get("/pid")
    assert stream.read().endswith(b"chunk 49\nend\n")
    until(lambda: len(server.noted("startup")) == 2)
    first, second = server.noted("startup")
    assert server.get("/pid") == str(second)
    assert "WORKER TIMEOUT" not in server.log
    assert server.noted("shutdown") == server.noted("atexit") == [first]

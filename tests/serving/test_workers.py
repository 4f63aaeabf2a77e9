"""Workers that die, hang or cannot start, and a reload, in a real server under load."""

import http.client
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gunicorn.arbiter import Arbiter
from tests.serving.conftest import Serve
from tests.serving.servers import Served, alive, until

pytestmark = pytest.mark.process


def kept_alive(server: Served, count: int) -> list[str]:
    """Bodies of `count` requests over one connection, opened again when the server ends it after an answer."""
    connection, bodies = server.connect(), []
    for _ in range(count):
        connection.request("GET", "/pid")
        bodies.append(connection.getresponse().read().decode())
    return bodies


def test_a_reload_under_load_loses_no_request(serve: Serve) -> None:
    """SIGHUP replaces both workers while clients, kept alive or not, get every answer."""
    server = serve()
    old = set(server.noted("startup"))
    with ThreadPoolExecutor(6) as pool:
        kept = [pool.submit(kept_alive, server, 200) for _ in range(2)]
        fresh = [pool.submit(server.get, "/pid") for _ in range(100)]
        until(lambda: any(answer.done() for answer in fresh))
        server.signal(signal.SIGHUP)
        until(lambda: len(server.noted("startup")) == 4)
        fresh += [pool.submit(server.get, "/pid") for _ in range(100)]
        answers = [answer.result() for answer in fresh] + [body for client in kept for body in client.result()]
    assert len(answers) == 600
    until(lambda: sorted(server.noted("atexit")) == sorted(old))
    new = set(server.noted("startup")) - old
    assert {int(answer) for answer in answers} <= old | new
    assert int(server.get("/pid")) in new


def test_a_killed_worker_is_replaced_while_its_sibling_serves(serve: Serve) -> None:
    """After a SIGKILL every request is answered and a new worker comes."""
    server = serve()
    victim, sibling = server.noted("startup")
    os.kill(victim, signal.SIGKILL)
    until(lambda: not alive(victim))
    assert int(server.get("/pid")) != victim
    until(lambda: len(server.noted("startup")) == 3)
    assert alive(sibling)


def test_a_busy_worker_takes_several_connections_a_round(serve: Serve) -> None:
    """Who comes while each round of the loop is long need not wait for as many rounds as others came before."""
    server = serve(WEB_CONCURRENCY="1")
    with ThreadPoolExecutor(41) as pool:
        busy = pool.submit(server.get, "/busy?n=80")
        until(lambda: bool(server.noted("round")))
        answers = [pool.submit(server.get, "/pid") for _ in range(40)]
        assert len({answer.result() for answer in answers}) == 1
        rounds = len(server.noted("round"))
        busy.result()
    assert rounds < 40


def test_a_replacement_that_cannot_start_leaves_the_server_up(serve: Serve, tmp_path: Path) -> None:
    """A worker dies while something its app needs is down: the sibling serves, and the server heals by itself."""
    down = tmp_path / "down"
    server = serve(DOWN=str(down))
    victim, sibling = server.noted("startup")
    down.touch()
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(server.noted("startup failed")) >= 2)
    assert server.get("/pid") == str(sibling)
    down.unlink()
    until(lambda: len(server.noted("startup")) == 3)
    assert server.process.poll() is None
    assert len(server.noted("startup failed")) < 10, "failed startups are not paced"


def test_a_server_that_has_never_served_stops_when_its_app_cannot_start(serve: Serve, tmp_path: Path) -> None:
    """The first start does not go in circles: it ends with gunicorn's code for it."""
    down = tmp_path / "down"
    down.touch()
    server = serve(wait=False, DOWN=str(down))
    assert server.exit_code() == Arbiter.WORKER_BOOT_ERROR
    assert "a part is down" in server.log


def test_a_blocked_worker_is_replaced_while_its_sibling_serves(serve: Serve) -> None:
    """A blocked event loop stops one worker only; the log shows where it stood."""
    server = serve(WORKER_TIMEOUT_SECONDS="2")
    server.connect().request("GET", "/block?seconds=60")
    until(lambda: bool(server.noted("blocked")))
    (victim,) = server.noted("blocked")
    assert int(server.get("/pid")) != victim
    until(lambda: len(server.noted("startup")) == 3)
    assert not alive(victim)
    assert 'tests/serving/apps.py", line' in server.log
    assert " in block" in server.log


def test_slow_loris_connections_end_while_others_are_served(serve: Serve) -> None:
    """Silent and half-spoken connections are closed after the header timeout; nobody else notices."""
    server = serve(HEADER_TIMEOUT_SECONDS="1")
    begun = [b"", b"GET /pid HTTP/1.1\r\nHost: x\r\nX-A: ", b"GET /pid HTTP/1.1\r\n\r\nGET /pid HT"] * 20
    lorises = []
    for part in begun:
        loris = server.raw()
        loris.sendall(part)
        lorises.append(loris)
    assert server.get("/pid")
    for part, loris in zip(begun, lorises, strict=True):
        said = loris.makefile("rb").read()
        assert said.count(b"HTTP/1.1 200 ") == part.count(b"\r\n\r\n")
        assert said.count(b"HTTP/1.1 408 ") == (1 if part else 0)
    assert server.get("/pid")


def test_a_signal_to_one_worker_drains_that_worker_only(serve: Serve) -> None:
    """A SIGTERM to a worker, as an operator may send, ends its streams in order and has it replaced."""
    server = serve()
    victim, sibling = server.noted("startup")
    os.kill(victim, signal.SIGTERM)
    until(lambda: len(server.noted("startup")) == 3)
    assert server.noted("shutdown") == server.noted("atexit") == [victim]
    assert alive(sibling)


def test_a_repeated_sigterm_to_a_worker_cuts_nothing(serve: Serve) -> None:
    """Gunicorn repeats SIGTERM when it is told to have fewer workers; streams still end by themselves."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="100")
    stream = server.stream("n=20&every=0.1")
    worker = int(stream.headers["X-Pid"])
    for chunk in range(1, 10):
        os.kill(worker, signal.SIGTERM)
        assert stream.readline() == f"chunk {chunk}\n".encode()
    assert stream.read().endswith(b"chunk 19\nend\n")
    until(lambda: server.noted("atexit") == [worker])


def test_a_slow_client_of_a_draining_worker_is_cut_at_the_deadline(serve: Serve) -> None:
    """A client that takes no bytes cannot keep a worker from ending."""
    server = serve(GRACEFUL_TIMEOUT_SECONDS="3")
    connection = server.connect()
    connection.request("GET", "/flood")
    until(lambda: bool(server.noted("flooding")))
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0
    assert time.monotonic() - started < 30
    assert len(server.noted("atexit")) == 2
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse().read()


def test_a_startup_that_takes_longer_than_the_timeout_is_left_to_finish(serve: Serve) -> None:
    """A worker that prepares its data beats meanwhile; only a blocked loop is a reason to replace it."""
    server = serve(WORKER_TIMEOUT_SECONDS="2", SLOW_STARTUP="5", WEB_CONCURRENCY="1")
    until(lambda: bool(server.noted("started")))
    assert server.noted("startup") == server.noted("started")
    assert "WORKER TIMEOUT" not in server.log
    assert server.get("/pid") == str(server.noted("started")[0])

"""Counting in a real Redis that fails in each way it can: it goes on, and nothing is told that should not be."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import trustme
from tests.database_servers import free_port
from tests.redis_server import RedisServer, running_redis

from lectern.adapters.examine_redis import examine_redis
from lectern.adapters.redis_counters import RedisCounters
from lectern.adapters.redis_numbers import RedisNumbers
from lectern.adapters.shared_counters import SharedCounters
from lectern.errors import UpstreamTimeout, UpstreamUnavailable
from lectern.ports import Rate
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line
from lectern.resilience.window import Rules

TEN = Rate(10, 3600)
SOON = Rules(open=0.05, most_open=0.1, probe=2)

MakeNumbers = Callable[[str], RedisNumbers]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server that wants a password."""
    with running_redis("--requirepass", "hunter2", "--enable-debug-command", "yes") as running:
        yield running


@pytest.fixture
def mortal() -> Iterator[RedisServer]:
    """A server that a test may kill."""
    with running_redis() as running:
        yield running


@pytest.fixture
async def numbers() -> AsyncIterator[MakeNumbers]:
    """Makes clients with much patience, closed at the end of the test."""
    async with AsyncExitStack() as opened:

        def make(url: str) -> RedisNumbers:
            made = RedisNumbers(url, seconds=5)
            opened.push_async_callback(made.close)
            return made

        yield make


def counters(redis: RedisNumbers, here: SharedCounters | None = None) -> RedisCounters:
    """Counters whose circuit is soon closed again."""
    line = Line(None, unavailable=UpstreamUnavailable, retries=0)
    return RedisCounters(redis, here or SharedCounters(), line, Circuit("limits", "count", SOON))


def url(server: RedisServer, password: str = "hunter2") -> str:
    """An address with a login."""
    return f"redis://:{password}@127.0.0.1:{server.port}/0"


@pytest.fixture(params=["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", "*99999999\r\n", "\xff\xfe\x00", ""])
def stranger(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of something that is no Redis: it says one thing, whatever it is asked, and hangs up."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(request.param.encode("latin-1"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


async def test_what_is_no_redis_is_counted_without(stranger: str, numbers: MakeNumbers) -> None:
    """Ten are ten all the same, sums are kept, and the report says in a few words what is wrong."""
    made = counters(numbers(stranger))
    assert [(await made.take("a", TEN)).allowed for _ in range(12)] == [True] * 10 + [False] * 2
    await made.spend("b", 2, until=time.time() + 60)
    assert await made.spent("b") == 2
    part = made.describe()
    assert part.state == "down"
    assert part.note.startswith("counted by each container for itself: ")


@pytest.mark.parametrize("password", ["wrong-hunter3", ""])
async def test_a_wrong_password_is_said_and_not_shown(
    server: RedisServer, numbers: MakeNumbers, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the report, the log and the check alike."""
    redis = numbers(url(server, password))
    made = counters(redis)
    assert (await made.take("a", TEN)).remaining == 9
    [finding] = await examine_redis(redis)
    told = f"{made.describe()} {caplog.text} {finding}"
    assert finding.state == "fail"
    assert "the password is wrong or missing" in told
    assert "hunter" not in told


async def test_the_right_one_counts_there(server: RedisServer, numbers: MakeNumbers) -> None:
    """Two services see one bucket and one sum; names in Redis are digests, with an end."""
    one, other = counters(numbers(url(server))), counters(numbers(url(server)))
    await one.take("visitor:secret-name", TEN)
    assert (await other.take("visitor:secret-name", TEN)).remaining == 8
    await one.spend("budget:secret-name", 1.5, until=time.time() + 60)
    await other.spend("budget:secret-name", 2.5, until=time.time() + 60)
    assert await one.spent("budget:secret-name") == await other.spent("budget:secret-name") == 4
    assert one.describe().note == "counted for all replicas together"
    names = await asyncio.to_thread(_names, server)
    assert names
    assert "secret-name" not in names
    [finding] = await examine_redis(numbers(url(server)))
    assert finding.state == "ok"


def _names(server: RedisServer) -> str:
    """The names of all keys, as they stand in the protocol."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"AUTH hunter2\r\nKEYS *\r\n")
        connection.settimeout(1)
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except TimeoutError:
            pass
    return answer.decode()


@pytest.mark.parametrize(
    ("command", "back", "note"),
    [
        (("REPLICAOF", "127.0.0.1", "9"), ("REPLICAOF", "NO", "ONE"), "it is a replica, which cannot be written"),
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "its memory is full"),
        (
            ("CONFIG", "SET", "min-replicas-to-write", "1"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
            "refused: NOREPLICAS",
        ),
    ],
)
async def test_a_server_that_cannot_be_written(
    mortal: RedisServer, numbers: MakeNumbers, command: tuple[str, ...], back: tuple[str, ...], note: str
) -> None:
    """Counting goes on from what it said last, and it is used again when it can be."""
    made = counters(numbers(mortal.url))
    for _ in range(6):
        await made.take("a", TEN)
    assert mortal.ask(*command).startswith("+OK")
    assert [(await made.take("a", TEN)).allowed for _ in range(6)] == [True] * 4 + [False] * 2
    assert made.describe().note == f"counted by each container for itself: {note}"
    assert mortal.ask(*back).startswith("+OK")
    await _returns(made)
    assert (await made.take("a", TEN)).remaining == 3  # the four of the outage were counted here only


async def test_over_tls(tmp_path: Path) -> None:
    """With the authority that signed its certificate it is asked; with another nothing is said to it."""
    ours, others = trustme.CA(), trustme.CA()
    certificate = ours.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    files = ["--tls-cert-file", str(tmp_path / "certificate.pem"), "--tls-key-file", str(tmp_path / "key.pem")]
    with running_redis("--tls-port", str(port := free_port()), "--tls-auth-clients", "no", *files):
        for authority, note in ((ours, "counted for all replicas together"), (others, "counted by each container")):
            context = ssl.create_default_context()
            context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
            made = counters(RedisNumbers(f"rediss://127.0.0.1:{port}/0", tls=context, seconds=5))
            assert (await made.take("a", TEN)).remaining == 9
            assert made.describe().note.startswith(note)
            await made.close()
    assert "TLS fails" in made.describe().note


async def test_connections_that_were_cut_are_made_again(mortal: RedisServer, numbers: MakeNumbers) -> None:
    """A server that hung up on idle connections is asked over new ones; nothing is counted beside it."""
    made = counters(numbers(mortal.url))
    await asyncio.gather(*(made.take("a", TEN) for _ in range(5)))
    assert mortal.ask("CLIENT", "KILL", "TYPE", "normal")
    await asyncio.sleep(0.05)
    assert (await made.take("a", TEN)).remaining == 4
    assert made.describe().state == "ok"


async def test_a_frozen_server_costs_a_reader_a_quarter_of_a_second(mortal: RedisServer) -> None:
    """And only the first ones: then the circuit is open, and nobody waits."""
    redis = RedisNumbers(mortal.url)
    made = counters(redis)
    await made.take("a", TEN)
    mortal.freeze()
    try:
        began = time.monotonic()
        standings = await asyncio.gather(*(made.take("a", TEN) for _ in range(40)))
        assert time.monotonic() - began < 2.5
        assert sum(standing.allowed for standing in standings) == 9
        with pytest.raises(UpstreamTimeout, match="no answer in time"):
            await redis.spent("a")
        assert made._circuit.describe().state != "closed"
    finally:
        mortal.thaw()
    await _returns(made)
    await made.close()


async def test_what_is_spent_meanwhile_is_added(mortal: RedisServer, numbers: MakeNumbers) -> None:
    """A budget neither begins anew with an outage, nor forgets what was spent in it, nor counts it twice."""
    until = time.time() + 600
    made, other = counters(numbers(mortal.url)), counters(numbers(mortal.url))
    await made.spend("day", 10, until=until)
    mortal.ask("CONFIG", "SET", "maxmemory", "1")
    await made.spend("day", 5, until=until)
    assert await made.spent("day") == 15
    mortal.ask("CONFIG", "SET", "maxmemory", "0")
    await _returns(made)
    assert await made.spent("day") == 15
    assert await other.spent("day") == 10
    await made.spend("day", 1, until=until)
    assert await made.spent("day") == await other.spent("day") == 16


async def test_a_budget_outlives_a_server_that_comes_back_empty(mortal: RedisServer, numbers: MakeNumbers) -> None:
    """What this service knew to be spent stays spent."""
    until = time.time() + 600
    made = counters(numbers(mortal.url))
    await made.spend("day", 10, until=until)
    mortal.kill()
    assert await made.spent("day") == 10
    await made.spend("day", 5, until=until)
    assert await made.spent("day") == 15
    mortal.start()
    await _returns(made)
    assert await made.spent("day") == 15
    await made.spend("day", 1, until=until)
    assert await made.spent("day") == 16


async def test_a_reader_who_leaves_loses_no_amount(mortal: RedisServer) -> None:
    """A spend that is cut off while it waits for Redis is kept for the next one."""
    redis = RedisNumbers(mortal.url, seconds=30)
    made = counters(redis)
    await made.spend("day", 1, until=time.time() + 60)
    mortal.freeze()
    try:
        leaving = asyncio.create_task(made.spend("day", 5, until=time.time() + 60))
        await asyncio.sleep(0.1)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert await made._here.spent("waiting:day") == 5
    finally:
        mortal.thaw()
    await made.close()


async def _returns(made: RedisCounters) -> None:
    """Ask until Redis counts again."""
    for _ in range(200):
        await made.take("other", Rate(1000, 1))
        if made.describe().state == "ok":
            return
        await asyncio.sleep(0.02)
    raise AssertionError(made.describe())

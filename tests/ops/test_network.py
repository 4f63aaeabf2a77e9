"""Each way in which a host cannot be reached has its finding and its fix. Real sockets, real TLS, loopback only."""

import datetime as dt
import errno
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial

import pytest
import trustme
from tests.web_server import Answer, running_web

from lectern.ops.findings import Finding
from lectern.ops.network import Endpoint, _refusal, examine_network

HOME = {"HEAD /": Answer()}
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What trusts it, as a client would."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def serving(authority: trustme.CA, *names: str, not_after: dt.datetime | None = None) -> ssl.SSLContext:
    """A server's context with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=not_after).configure_cert(context)
    return context


def endpoint(port: int, *, host: str = "127.0.0.1", tls: bool = False, http: bool = True) -> Endpoint:
    """Somebody on loopback."""
    return Endpoint("Somebody", host, port, tls, "SOME_URL", blocked="Use 443.", http=http)


async def examine(
    to: Endpoint, tls: ssl.SSLContext | None = None, *, on_space: bool = False, step_seconds: float = 0.5
) -> tuple[Finding, Finding]:
    """The finding on the way there, and the one on the clock."""
    way, clock = await examine_network([to], tls=tls, on_space=on_space, step_seconds=step_seconds)
    return way, clock


async def test_a_host_that_can_be_reached_is_told_with_its_certificate(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    """Addresses, time, TLS version, days that are left; its clock agrees with ours."""
    with running_web(HOME, tls=serving(authority, "localhost", "127.0.0.1")) as web:
        way, clock = await examine(endpoint(web.port, tls=True), trusting, step_seconds=5)
    assert (way.name, way.state) == ("reach Somebody", "ok")
    assert f"127.0.0.1:{web.port} by IPv4, connected in " in way.found
    assert "TLSv1." in way.found
    assert "certificate valid for " in way.found
    assert clock.state == "ok"
    assert [request for request, _ in web.seen] == ["HEAD /"]
    assert "authorization" not in web.seen[0][1]


@pytest.mark.parametrize(
    ("name", "days", "wanted"),
    [
        ("127.0.0.1", -2, ("fail", "has expired", "renews it")),
        ("other.example", 90, ("fail", "not for 127.0.0.1", "the name that the certificate has in SOME_URL")),
        ("127.0.0.1", 90, ("fail", "does not trust", "SSL_CERT_FILE")),
        ("127.0.0.1", 5, ("warn", "valid for 5 days", "renews")),
    ],
    ids=["expired", "another name", "unknown authority", "expires soon"],
)
async def test_a_certificate_that_is_wrong_is_named(
    authority: trustme.CA,
    trusting: ssl.SSLContext,
    name: str,
    days: int,
    wanted: tuple[str, str, str],
) -> None:
    """Each fault of a certificate has its own words, and says who mends it."""
    state, found, fix = wanted
    client = ssl.create_default_context() if "trust" in found else trusting
    with running_web(HOME, tls=serving(authority, name, not_after=NOW + dt.timedelta(days=days, minutes=1))) as web:
        way, _ = await examine(endpoint(web.port, tls=True), client, step_seconds=5)
    assert way.state == state
    assert found in way.found
    assert fix in way.fix


async def test_plain_http_where_tls_is_meant_is_named(trusting: ssl.SSLContext) -> None:
    """An https address of a port without TLS says so."""
    with running_web(HOME) as web:
        way, _ = await examine(endpoint(web.port, tls=True), trusting, step_seconds=5)
    assert way.state == "fail"
    assert "TLS" in way.found
    assert "SOME_URL" in way.fix


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what knocks, as a firewall does."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            knocking = opened.enter_context(closing(socket.socket()))
            knocking.setblocking(False)
            knocking.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_a_host_that_says_nothing_is_left(silent: int, trusting: ssl.SSLContext) -> None:
    """A handshake that never comes ends, and so does the wait for a clock."""
    way, _ = await examine(endpoint(silent, tls=True), trusting, step_seconds=0.2)
    assert (way.state, "no TLS within 0.2 s" in way.found) == ("fail", True)
    way, clock = await examine(endpoint(silent), step_seconds=0.2)
    assert (way.state, clock.state) == ("ok", "skipped")


@pytest.mark.parametrize("on_space", [False, True])
async def test_a_port_that_is_dropped_is_named(full: int, *, on_space: bool) -> None:
    """On a Space the fix says what is known of its ports, and what that part can do; elsewhere it is a firewall."""
    way, _ = await examine(endpoint(full), on_space=on_space, step_seconds=0.3)
    assert way.state == "fail"
    assert f"127.0.0.1:{full}: no connection within 0.3 s" in way.found
    if on_space:
        assert "only the ports 80, 443 and 8080" in way.fix
        assert "not certain" in way.fix
        assert way.fix.endswith("Use 443.")
    else:
        assert "firewall" in way.fix


async def test_a_port_that_refuses_is_named(closed: int) -> None:
    """Nothing listens there."""
    way, _ = await examine(endpoint(closed))
    assert (way.state, way.found) == ("fail", f"127.0.0.1:{closed}: connection refused")
    assert way.fix == "Nothing listens there: start it, or correct SOME_URL."


async def test_a_name_that_is_none_is_named() -> None:
    """No resolver is asked for a name with an empty label."""
    way, _ = await examine(endpoint(443, host="nobody..example"))
    assert (way.state, way.found) == ("fail", "nobody..example:443: DNS knows no such name")
    assert "SOME_URL" in way.fix


async def test_a_resolver_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody answers for costs no more than its time."""
    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gate.wait(20))
    way, _ = await examine(endpoint(443, host="slow.example"), step_seconds=0.1)
    gate.set()
    assert (way.state, way.found) == ("fail", "slow.example:443: DNS did not answer within 0.1 s")


async def test_a_resolver_that_fails_for_now_is_told_from_a_wrong_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name may be right."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    way, _ = await examine(endpoint(443, host="right.example"))
    assert (way.state, way.found) == ("fail", "right.example:443: DNS fails for now")
    assert "Try again" in way.fix


def test_no_route_is_told_from_no_answer() -> None:
    """Both have the same fix."""
    refusal = partial(_refusal, endpoint(443), {socket.AF_INET}, seconds=3, on_space=False)
    assert refusal(errors=[OSError(errno.EHOSTUNREACH, "")]).found == "no route to it"
    assert refusal(errors=[TimeoutError()]).found == "no connection within 3 s"


@pytest.mark.parametrize(
    ("families", "number", "fix"),
    [
        ({socket.AF_INET6}, errno.ENETUNREACH, "IPv6 addresses only"),
        ({socket.AF_INET6}, errno.EADDRNOTAVAIL, "IPv6 addresses only"),
        ({socket.AF_INET, socket.AF_INET6}, errno.ENETUNREACH, "firewall"),
        ({socket.AF_INET6}, errno.ECONNREFUSED, "Nothing listens"),
    ],
)
def test_a_host_with_ipv6_only_is_told_from_a_closed_port(families: set[int], number: int, fix: str) -> None:
    """The errors of a machine without IPv6 mean that only where the host has nothing else."""
    refusal = partial(_refusal, families=families, seconds=3, on_space=False)
    assert fix in refusal(endpoint(5432), errors=[OSError(number, "")]).fix


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(0, "ok", "s from the clock of"), (3600, "warn", "behind"), (-120, "warn", "ahead of")],
)
async def test_a_clock_that_is_wrong_is_named(ahead: float, state: str, words: str) -> None:
    """More than 30 s from the configured host's own time."""
    with running_web(HOME, ahead_seconds=ahead) as web:
        _, clock = await examine(endpoint(web.port), step_seconds=5)
    assert (clock.name, clock.state) == ("clock", state)
    assert words in clock.found
    assert ("tokens" in clock.fix) == (state == "warn")


async def test_one_host_with_a_wrong_clock_does_not_make_ours_wrong(closed: int) -> None:
    """The host that agrees most counts; one that is down does not."""
    with running_web(HOME) as right, running_web(HOME, ahead_seconds=900) as wrong:
        ends = [endpoint(port) for port in (wrong.port, right.port, closed)]
        *ways, clock = await examine_network(ends, tls=None, on_space=False)
    assert [way.state for way in ways] == ["ok", "ok", "fail"]
    assert clock.state == "ok"


async def test_what_speaks_no_http_is_not_asked_for_its_clock(silent: int) -> None:
    """A database's port is opened and closed."""
    way, clock = await examine(replace(endpoint(silent), http=False))
    assert (way.state, clock.state) == ("ok", "skipped")

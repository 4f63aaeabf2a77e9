"""Whether a configured host can be reached from here: its name, its port, its certificate, its clock.

Nothing is asked beyond `HEAD /`, which needs no key; its `Date` also tells whether this machine's clock is right.
"""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lectern.ops.aside import run_aside
from lectern.ops.certificate import complaint, days_left
from lectern.ops.findings import Finding, milliseconds_since
from lectern.ops.small_http import clock_finding, seconds_off

SPACE_PORTS: Final = frozenset((80, 443, 8080))
"""What Spaces document as let out (https://huggingface.co/docs/hub/spaces-overview, "Networking")."""

STEP_SECONDS: Final = 3.0
"""Longest wait for each of name, connection, TLS and answer."""

_EXPIRES_SOON_DAYS: Final = 14
_MOST_ADDRESSES: Final = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host that Lectern calls.

    Attributes:
        name: Who is there, for people.
        host: Its name or address.
        port: Its TCP port.
        tls: Whether TLS begins with the connection.
        variable: The setting that names it.
        blocked: What to do where its port is not let out.
        http: Whether it speaks HTTP.
    """

    name: str
    host: str
    port: int
    tls: bool
    variable: str
    blocked: str = ""
    http: bool = True

    @property
    def place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Unreachable(Exception):
    """What was seen, and what to do."""

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix


async def examine_network(
    endpoints: Sequence[Endpoint], *, tls: ssl.SSLContext | None, on_space: bool, step_seconds: float = STEP_SECONDS
) -> list[Finding]:
    """Reach all at once: one finding each, then one on the clock.

    Args:
        endpoints: Whom Lectern is configured to call.
        tls: The context that Lectern's own clients use; None when no endpoint has TLS.
        on_space: Whether a Space's rules on ports hold.
        step_seconds: See `STEP_SECONDS`; a test's are shorter.
    """
    seen = await asyncio.gather(*(_probe(endpoint, tls, step_seconds, on_space=on_space) for endpoint in endpoints))
    findings = [finding for finding, _ in seen]
    return [*findings, clock_finding([(e.host, off) for e, (_, off) in zip(endpoints, seen, strict=True)])]


async def _probe(
    endpoint: Endpoint, tls: ssl.SSLContext | None, step_seconds: float, *, on_space: bool
) -> tuple[Finding, float | None]:
    """The finding, and how many seconds this machine is ahead of that one, if that one tells its time."""
    name, began = f"reach {endpoint.name}", time.monotonic()
    off = None
    try:
        addresses = await _resolve(endpoint, step_seconds)
        address = await _connect(endpoint, addresses, step_seconds, on_space=on_space)
        said = f"{endpoint.place} by {_families(addresses)}, connected in {milliseconds_since(began)} ms"
        if endpoint.tls:
            said, days = await _shake_hands(endpoint, address, tls, step_seconds, said)
        else:
            days = None
        if endpoint.http:
            off = await seconds_off(endpoint.host, address, endpoint.port, tls if endpoint.tls else None, step_seconds)
    except _Unreachable as error:
        return Finding(name, "fail", f"{endpoint.place}: {error.found}", error.fix, milliseconds_since(began)), None
    if days is not None and days < _EXPIRES_SOON_DAYS:
        return Finding(
            name, "warn", said, "Whoever runs that host renews its certificate now.", milliseconds_since(began)
        ), off
    return Finding(name, "ok", said, milliseconds=milliseconds_since(began)), off


async def _resolve(endpoint: Endpoint, seconds: float) -> list[tuple[int, str]]:
    """`(family, address)` of the host, in the resolver's order."""
    try:
        async with asyncio.timeout(seconds):
            found = await run_aside(
                socket.getaddrinfo, endpoint.host, endpoint.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
    except TimeoutError:
        fix = "The machine's DNS server is not reachable; look at /etc/resolv.conf and at what is let out on port 53."
        raise _Unreachable(f"DNS did not answer within {seconds:g} s", fix) from None
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _Unreachable("DNS fails for now", "Try again; if it stays so, look at /etc/resolv.conf.") from None
        fix = f"Correct the host in {endpoint.variable}. If other names are not found either, this machine has no DNS."
        raise _Unreachable("DNS knows no such name", fix) from None
    return [(family, str(address[0])) for family, _, _, _, address in found]


async def _connect(endpoint: Endpoint, addresses: Sequence[tuple[int, str]], seconds: float, *, on_space: bool) -> str:
    """An address that takes connections, of whichever family."""
    tried = list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]
    outcomes = await asyncio.gather(*(_knock(address, endpoint.port, seconds) for _, address in tried))
    for (_, address), error in zip(tried, outcomes, strict=True):
        if error is None:
            return address
    families = {family for family, _ in addresses}
    raise _refusal(endpoint, families, [error for error in outcomes if error], seconds, on_space=on_space)


async def _knock(address: str, port: int, seconds: float) -> OSError | None:
    """Open a connection and close it; what became of it."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(address, port)
    except OSError as error:  # a TimeoutError is one
        return error
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


def _refusal(
    endpoint: Endpoint, families: set[int], errors: Sequence[OSError], seconds: float, *, on_space: bool
) -> _Unreachable:
    """Why no address takes a connection, and what to do."""
    numbers = {error.errno for error in errors}
    if families == {socket.AF_INET6} and numbers & {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTUNREACH}:
        fix = (
            f"The host has IPv6 addresses only, and this machine has no way out by IPv6, as in most containers and "
            f"Spaces. Name a host with an IPv4 address in {endpoint.variable} (a provider's pooler often has one)."
        )
        return _Unreachable("no route: IPv6 only", fix)
    refused = errno.ECONNREFUSED in numbers
    if on_space and endpoint.port not in SPACE_PORTS:
        fix = (
            "Spaces document only the ports 80, 443 and 8080 as let out; whether others are blocked for you is not "
            f"certain, but this one did not open. {endpoint.blocked}"
        ).strip()
    elif refused:
        fix = f"Nothing listens there: start it, or correct {endpoint.variable}."
    else:
        fix = f"A firewall drops it, or the host is off: let port {endpoint.port} out, or correct {endpoint.variable}."
    no_route = numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH}
    found = "connection refused" if refused else "no route to it" if no_route else f"no connection within {seconds:g} s"
    return _Unreachable(found, fix)


async def _shake_hands(
    endpoint: Endpoint, address: str, tls: ssl.SSLContext | None, seconds: float, said: str
) -> tuple[str, float | None]:
    """What was said, with the protocol and the certificate's days; and those days."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(address, endpoint.port, ssl=tls, server_hostname=endpoint.host)
    except TimeoutError:
        fix = f"What listens there says nothing: look for a proxy on the way, or correct {endpoint.variable}."
        raise _Unreachable(f"no TLS within {seconds:g} s", fix) from None
    except (OSError, ssl.SSLError) as error:
        raise _Unreachable(*complaint(error, endpoint.host, endpoint.variable)) from None
    days = days_left(writer.get_extra_info("peercert"))
    version = writer.get_extra_info("ssl_object").version()
    writer.close()
    with suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1):  # some never answer the farewell
            await writer.wait_closed()
    valid = "" if days is None else f", certificate valid for {days:.0f} days"
    return f"{said}, {version}{valid}", days


def _families(addresses: Sequence[tuple[int, str]]) -> str:
    names = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
    return " and ".join(sorted({names.get(socket.AddressFamily(family), "?") for family, _ in addresses}))

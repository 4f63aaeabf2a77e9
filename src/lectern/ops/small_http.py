"""HTTP in its smallest form: a request without a key, for the clock of another host and for the server on this machine.

A client of the size of Lectern's own would cost more to import than all of these checks take.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final

from lectern.ops.findings import Finding

MOST_SECONDS_OFF: Final = 30
"""A token's times are compared with this clock; verifiers allow a few seconds up to a minute."""

_MOST_BYTES: Final = 1 << 18


async def seconds_off(host: str, address: str, port: int, tls: ssl.SSLContext | None, seconds: float) -> float | None:
    """How far this machine's clock is ahead of a server's, in seconds; None when that tells no time."""
    answer = await request("HEAD", "/", host, address, port, tls=tls, seconds=seconds)
    if answer is None:
        return None
    with suppress(KeyError, ValueError, TypeError):
        # The header's second has begun half a second ago, on average.
        return time.time() - parsedate_to_datetime(answer[1]["date"]).timestamp() - 0.5
    return None


def clock_finding(seen: Sequence[tuple[str, float | None]]) -> Finding:
    """Whether this machine's clock is right, by the host that agrees with it most.

    Args:
        seen: `(host, seconds ahead of it)`; None when it did not tell.
    """
    known = [(abs(off), off, host) for host, off in seen if off is not None]
    if not known:
        return Finding("clock", "skipped", "no configured host told its time", milliseconds=0)
    distance, off, host = min(known)
    if distance <= MOST_SECONDS_OFF:
        return Finding("clock", "ok", f"{distance:.0f} s from the clock of {host}", milliseconds=0)
    direction = "ahead of" if off > 0 else "behind"
    found = f"{distance:.0f} s {direction} the clock of {host}"
    fix = "Set this machine's clock (NTP): signed tokens are refused when their times do not fit."
    return Finding("clock", "warn", found, fix, 0)


async def examine_server(port: int, seconds: float = 2) -> list[Finding]:
    """Whether Lectern serves on this machine, and what it says of itself."""
    name = "server"
    if port == 0:
        return [Finding(name, "skipped", "PORT=0 takes any free port, so there is none to ask")]
    health = await request("GET", "/health", "localhost", "127.0.0.1", port, seconds=seconds)
    if health is None:
        found = f"nobody answers on port {port}"
        return [Finding(name, "skipped", found, "Start it with ./entrypoint.sh, if it should be up.")]
    body = _object(health[2])
    if health[0] != 200 or "status" not in body or "version" not in body:  # noqa: PLR2004 - OK
        fix = "Stop what listens there, or choose another PORT."
        return [Finding(name, "fail", f"port {port} is taken by something that is not Lectern", fix)]
    found = f"up on port {port}, {body['status']}, version {body['version']}"
    down = [part for part, said in dict(body.get("parts") or {}).items() if dict(said).get("state") == "down"]
    if not down and body["status"] == "healthy":
        return [Finding(name, "ok", found)]
    fix = "Readers still get answers; /health says what the part met."
    return [Finding(name, "warn", found + (f"; down: {', '.join(sorted(down))}" if down else ""), fix)]


async def request(
    method: str,
    path: str,
    host: str,
    address: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    seconds: float,
) -> tuple[int, dict[str, str], bytes] | None:
    """One request on its own connection: status, headers by lower-case name, body; None without an answer."""
    with suppress(OSError, ValueError, LookupError, EOFError, asyncio.LimitOverrunError):
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                address, port, ssl=tls, server_hostname=host if tls else None
            )
            try:
                # HTTP/1.0, so that nobody answers in chunks.
                lines = (f"{method} {path} HTTP/1.0", f"Host: {host}", "User-Agent: lectern-check", "Accept: */*")
                writer.write("\r\n".join((*lines, "", "")).encode("ascii"))
                head = await reader.readuntil(b"\r\n\r\n")
                status, headers = _head(head.decode("latin-1"))
                length = min(int(headers.get("content-length", "0")), _MOST_BYTES) if method == "GET" else 0
                return status, headers, await reader.readexactly(length)
            finally:
                writer.close()
    return None


def _head(text: str) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer's head.

    Raises:
        ValueError: It is no HTTP.
    """
    first, *lines = text.split("\r\n")
    if not first.startswith("HTTP/"):
        raise ValueError(first[:20])
    pairs = (line.partition(":") for line in lines if ":" in line)
    return int(first.split(" ")[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _object(body: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(body)
        if isinstance(found, dict):
            return found
    return {}

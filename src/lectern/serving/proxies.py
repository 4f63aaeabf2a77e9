"""Who the reader is when a proxy stands between: address and scheme, for any ASGI app.

The proxy in front appends the address that it saw to whatever `X-Forwarded-For` the caller sent. So the last entry is
the reader and nothing before it means anything. uvicorn's own middleware walks on to the left over entries that are
trusted addresses themselves, and a caller inside such a network leads it to what the caller wrote; that one is off.
`X-Real-IP`, `Forwarded` and `X-Forwarded-Host` pass a Space's edge as the caller wrote them, and are never read.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[..., Any], Callable[..., Any]], Awaitable[None]]

# `address`, `address:port` for IPv4, `[address]` and `[address]:port` for IPv6, which some proxies write.
_ENTRY = re.compile(
    r"\[([0-9a-f]*:[0-9a-f:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9a-f:.]+)", re.IGNORECASE | re.ASCII
)
_READ = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"host"})
_SECURE = {"http": "https", "https": "https", "ws": "wss", "wss": "wss"}
_PLAIN = {"http": "http", "https": "http", "ws": "ws", "wss": "ws"}
_PEERS_REMEMBERED = 1024


class ProxyHeadersMiddleware:
    """Corrects a request's `client` and `scheme` by what a trusted proxy says, before the app sees them.

    Args:
        app: Any ASGI app.
        trusted: Addresses and networks of the proxies. From any other peer no header is believed.
        https_hosts: Host names that are only ever reached by https, whatever a proxy says or leaves out: a Space's.

    Raises:
        ValueError: One of `trusted` is neither an address nor a network.
    """

    def __init__(self, app: App, *, trusted: Iterable[str], https_hosts: Iterable[str] = ()) -> None:
        self.app = app
        self._https_hosts = frozenset(host.lower().encode() for host in https_hosts)
        networks = [ip_network(text) for text in trusted]

        @lru_cache(maxsize=_PEERS_REMEMBERED)
        def trusts(peer: str) -> bool:
            address = _address(peer)
            return address is not None and any(address in network for network in networks)

        self._trusts = trusts

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Serve one request."""
        if scope["type"] in {"http", "websocket"}:
            self._correct(scope)
        await self.app(scope, receive, send)

    def _correct(self, scope: Scope) -> None:
        said = {name: value for name, value in scope["headers"] if name in _READ}  # the last line of each counts
        peer = scope.get("client")
        if peer is not None and self._trusts(peer[0]):
            scope["client"] = _last_entry(said.get(b"x-forwarded-for", b"")) or peer
            proto = said.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
            if proto in {b"http", b"https"}:
                scope["scheme"] = (_SECURE if proto == b"https" else _PLAIN)[scope["scheme"]]
        if said.get(b"host", b"").lower().partition(b":")[0] in self._https_hosts:
            scope["scheme"] = _SECURE[scope["scheme"]]


def _last_entry(line: bytes) -> tuple[str, int] | None:
    """Address and port (0: not said) of the last entry of an `X-Forwarded-For` line; None when it is none."""
    entry = _ENTRY.fullmatch(line.rpartition(b",")[2].strip().decode("latin-1"))
    if entry is None:
        return None
    in_brackets, port6, plain, port4, bare = entry.groups()
    address = _address(in_brackets or plain or bare)
    return None if address is None else (str(address), int(port6 or port4 or 0))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, IPv4 in the clothes of IPv6 undressed; None when the text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

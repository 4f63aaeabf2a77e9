"""The HTTP client that providers are called with: HTTPX2's interface, aiohttp's connections.

Reading a token through HTTPX2's own connections costs 160 µs, most of it in a parser written in Python; through
aiohttp's, whose parser is C, 40. The SDK brings the transport that joins the two.
"""

import ssl
from typing import Any, Final

import aiohttp
import httpcore2  # noqa: F401 - a client is made with it; loaded here, it is loaded before the fork
import httpx2
import openai

_KEEPALIVE_SECONDS: Final = 60
_NO_LIMIT: Final = 0
"""How many connections are open is limited by who lets requests in: a stream holds one for its life."""


def make_client(tls: ssl.SSLContext | None, *, connect_timeout_seconds: float, **options: Any) -> httpx2.AsyncClient:  # noqa: ANN401 - the client's own
    """A client that opens nothing before its first call; call it inside the loop that uses it.

    Args:
        tls: Shared by all clients of a process, because making one costs 20 ms; None makes one.
        connect_timeout_seconds: Time to connect, TLS included. Every other limit of time is the caller's: it spans
            more than one read.
        options: Others of `httpx2.AsyncClient`.
    """
    limits = httpx2.Limits(max_connections=_NO_LIMIT, keepalive_expiry=_KEEPALIVE_SECONDS)
    timeout = httpx2.Timeout(None, connect=connect_timeout_seconds)
    return openai.DefaultAioHttpClient(verify=tls or True, limits=limits, timeout=timeout, **options)


def origin(error: BaseException) -> BaseException:
    """What aiohttp said, behind what the transport and the SDK made of it; else the error's own cause, or itself.

    The transport calls a connection that the server closed a timeout, too.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientError):
            return cause
        cause = cause.__cause__
    return error.__cause__ or error if isinstance(error, openai.APIConnectionError) else error


def timed_out(error: BaseException) -> bool:
    """Whether a call failed because it took too long."""
    return isinstance(origin(error), (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException))

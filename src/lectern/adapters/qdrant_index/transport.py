"""How Qdrant is reached: as any provider over HTTP, with its own port, key and envelope."""

import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from lectern.adapters.provider import Provider

DEFAULT_PORT: Final = 6333
"""Where Qdrant and Qdrant Cloud listen for REST, with and without TLS."""


class Transport:
    """The way to one server. Nothing is opened before the first call.

    Args:
        url: `https://host:port`, with a path where a proxy wants one; without a port, `DEFAULT_PORT`.
        api_key: None for a server that needs none.
        tls: None for the machine's certificates.

    Attributes:
        address: Its address, with a port.
    """

    def __init__(self, url: str, *, api_key: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.address = _with_port(url)
        key = {"api-key": api_key} if api_key else None
        self._provider = Provider(base_url=self.address, api_key=None, tls=tls, headers=key)

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """One request; the `result` of its answer.

        Raises:
            StatusError: The server refuses.
            aiohttp.ClientError, OSError: It was not reached, or its answer broke off.
            ValueError, TypeError, LookupError: The answer is none of Qdrant's, or the body holds what JSON cannot say.
        """
        return (await self._provider.call(method, path, body))["result"]

    async def close(self) -> None:
        """Close all connections. It can be used again."""
        await self._provider.close()


def _with_port(url: str) -> str:
    parts = urlsplit(url.rstrip("/"))
    if parts.port is not None:
        return parts.geturl()
    return parts._replace(netloc=f"{parts.netloc}:{DEFAULT_PORT}").geturl()

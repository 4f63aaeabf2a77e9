"""Agents: the SDK's own client, and the messages of one that is written by hand."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

Mode = Literal["auto", "legacy"]
MODES: Final[tuple[Mode, ...]] = ("auto", "legacy")
"""By the newest protocol, where each request says all; and by those that begin with `initialize`."""

HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def agent(port: int, *, mode: Mode = "auto", token: str | None = None) -> AsyncGenerator[Client, None]:
    """An agent at work, each of whose requests has a connection of its own, so that any worker may get it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with (
        httpx2.AsyncClient(headers=headers, limits=limits, timeout=60) as http,
        Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def text_of(result: CallToolResult) -> str:
    """What a model reads."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def message(method: str, params: dict[str, Any] | None = None) -> str:
    """A request of the protocol before the newest."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}})


def call(tool: str, **arguments: object) -> str:
    """A tool's call."""
    return message("tools/call", {"name": tool, "arguments": arguments})

"""What it costs to tell who asks, where nobody is signed in: Python calls, a number that no machine's load changes."""

import cProfile
from collections.abc import Sequence

import pytest
from fastapi import Request
from tests.scripted import FailingStore, FixedIndex, ScriptedLLM, hits

from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports
from lectern.web.access import Access, _caller

MOST_CALLS = 150
"""A fifth more than there were when this was written; some 30 µs, where a turn takes over a millisecond."""


@pytest.mark.parametrize("shows", ["nothing", "a cookie"])
async def test_a_visitor_costs_next_to_nothing(settings: Settings, shows: str) -> None:
    """One signature, made or checked, and no database, thread or task."""
    app = create_app(settings, Ports(store=FailingStore(), index=FixedIndex(hits()), llm=ScriptedLLM()))
    access: Access = app.state.access
    visitor = access.visitors.of(None)
    cookie = access.visitors.cookie(visitor, secure=True).partition(";")[0].encode()
    headers = [(b"cookie", cookie)] if shows == "a cookie" else []

    def request(headers: Sequence[tuple[bytes, bytes]]) -> Request:
        scope = {"type": "http", "scheme": "https", "headers": headers, "client": ("203.0.113.7", 1), "app": app}
        return Request(scope)

    await _caller(request(headers), access)  # the first one reads the secret
    profiler = cProfile.Profile()
    profiler.enable()
    caller = await _caller(request(headers), access)
    profiler.disable()
    assert caller.is_new == (shows == "nothing")
    assert sum(entry.callcount for entry in profiler.getstats()) <= MOST_CALLS

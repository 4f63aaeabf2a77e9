"""Connections that are held, and what they hear."""

import pytest
from loadtests import targets
from loadtests.crowd import crowd, until
from tests.stub_process import Stub


async def test_a_crowd_listens_and_leaves(stub: Stub) -> None:
    """All are there at once; each hears its own tokens; the ones that were answered are closed, none stays behind."""
    before = stub.stats()["open"]
    async with crowd(targets.of_stub(stub.base_url, "stub-itl20-len5-tagcrowd"), 20, 0.1) as short:
        await until(lambda: all(not listener.open for listener in short), 20)
        assert {listener.status for listener in short} == {200}
        assert {listener.heard.count(b'"delta":{"content":') for listener in short} == {5}
    async with crowd(targets.of_stub(stub.base_url, "stub-ttft60000-tagwait"), 20, 0.1) as waiting:
        await stub.until(open=before + 20)
        assert all(listener.open for listener in waiting)
    assert (await stub.until(open=before))["requests"]["stub-ttft60000-tagwait"] == 20


async def test_what_never_comes_is_not_awaited_for_ever() -> None:
    """It says so after its time."""
    with pytest.raises(TimeoutError):
        await until(lambda: False, 0.1)

"""Request ids, access lines and the first look at a body."""

import logging

import pytest
from tests.conftest import Client


async def test_each_request_has_an_id(client: Client) -> None:
    """A caller's harmless id is kept, anything else gets a new one."""
    kept = await client.get("/health", headers={"X-Request-ID": "abc-123"})
    assert kept.headers["x-request-id"] == "abc-123"
    for bad in ("x" * 200, "a b", "<script>"):
        replaced = await client.get("/health", headers={"X-Request-ID": bad})
        assert len(replaced.headers["x-request-id"]) == 32


async def test_each_request_writes_one_access_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Method, path, status and time, and neither the query string nor the body."""
    with caplog.at_level(logging.INFO, logger="lectern.access"):
        await client.post("/search?token=secret", json={"query": "a private question"})
    (record,) = [record for record in caplog.records if record.name == "lectern.access"]
    assert record.getMessage().startswith("POST /search 200 ")
    assert "secret" not in record.getMessage()
    assert "private" not in record.getMessage()

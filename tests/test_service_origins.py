"""Calls from pages, and proxies' headers, over real processes and sockets: a Space as its edge reaches it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service_process import environment
from tests.serving.servers import ROOT, Served, until

pytestmark = pytest.mark.process

SPACE = {
    "SPACE_ID": "acme/docs",
    "SPACE_HOST": "acme-docs.hf.space",
    "LECTERN_DEMO": "1",
    "CORS_ALLOWED_ORIGINS": "https://docs.example.org,https://*-team.vercel.app",
    "WEB_CONCURRENCY": "1",
}


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Served]:
    """A Space that is up."""
    service = Served(["./entrypoint.sh"], tmp_path, ROOT, environment(tmp_path, **SPACE))
    try:
        until(lambda: "is up: https://acme-docs.hf.space" in service.log or service.process.poll() is not None)
        yield service
    finally:
        service.close()


def test_a_space_answers_its_sites_and_refuses_strangers(space: Served) -> None:
    """The edge has let every preflight through; a stranger's question ends at its head, its body is not waited for."""
    head = "POST /chat HTTP/1.1\r\nHost: acme-docs.hf.space\r\nContent-Type: application/json\r\n"
    body = json.dumps({"message": "How do I run the tests?"})
    refused = space.ask(f"{head}Origin: https://evil.example\r\nContent-Length: 100000\r\n")
    assert json.loads(refused)["error"] == "origin_not_allowed"
    for origin in ("https://docs.example.org", "https://a-team.vercel.app", "https://acme-docs.hf.space"):
        connection = space.connect()
        headers = {"Host": "acme-docs.hf.space", "Origin": origin, "Content-Type": "application/json"}
        connection.request("POST", "/chat", body, headers | {"Accept": "text/event-stream", "Accept-Encoding": "gzip"})
        response = connection.getresponse()
        assert (response.status, response.getheader("Access-Control-Allow-Origin")) == (200, origin)
        assert response.getheader("Content-Encoding") is None
        assert b"event: done" in response.read()
    until(lambda: "A page of 'https://evil.example' may not call: not listed." in space.log)

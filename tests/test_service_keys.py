"""Keys of integrations over a real service with two workers: made beside it, counted together, revoked everywhere."""

import json
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.service_process import run_verb, running_service
from tests.serving.servers import until
from tests.test_service_limits import to_both_workers

pytestmark = pytest.mark.process


def asked(connection: HTTPConnection, token: str) -> int:
    """The status of one search with a key."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request("POST", "/search", b'{"query": "tests"}', headers)
    response = connection.getresponse()
    response.read()
    return response.status


def test_a_revoked_key_ends_in_both_workers(tmp_path: Path) -> None:
    """A key of ten an hour passes ten times for both together; another is refused in each once it was revoked."""
    with running_service(tmp_path, LIMITS="none") as service:
        ten = run_verb(tmp_path, "keys", "add", "Ten", "--limits", "10/hour").stdout.strip()
        many = run_verb(tmp_path, "keys", "add", "Many").stdout.strip()
        connections = to_both_workers(service, each=2)
        statuses = Counter(asked(connection, ten) for connection in connections for _ in range(5))
        assert statuses == {200: 10, 429: 10}
        assert [asked(connection, many) for connection in connections] == [200] * 4
        [key_id] = [
            line.split()[0] for line in run_verb(tmp_path, "keys", "list").stdout.splitlines() if "Many" in line
        ]
        assert run_verb(tmp_path, "keys", "revoke", key_id).returncode == 0
        until(lambda: [asked(connection, many) for connection in connections] == [401] * 4, 60)
        assert ten not in service.log
        assert many not in service.log
        assert json.loads(service.get("/health"))["parts"]["integrations"]["state"] == "ok"

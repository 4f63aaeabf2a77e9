"""The report over HTTP: for the operator only, one at a time, and not too often."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from tests.conftest import MakeClient
from tests.scripted import FixedIndex, ScriptedLLM, hits

from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.ops.findings import Finding, Report
from lectern.ops.report_desk import ReportDesk
from lectern.ports import Ports

TOKEN = "operator-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Examiner:
    """Counts the reports it makes; each takes a moment."""

    def __init__(self) -> None:
        self.made = 0
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self) -> Report:
        """Make one."""
        self.made += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.05)
        self.at_once -= 1
        return Report((Finding("x", "ok", f"report {self.made}"),), 1)


@pytest.fixture
def client(make_client: MakeClient, settings: Settings, tmp_path: Path) -> httpx2.AsyncClient:
    """A client of a real app with an operator's token."""
    changed = settings.model_copy(
        update={"admin_token": SecretStr(TOKEN), "port": 0, "image_index_dir": tmp_path / "image"}
    )
    return make_client(changed=changed)


async def test_the_operator_gets_the_report(client: httpx2.AsyncClient) -> None:
    """The same findings as the command's, kept by nobody, and again without a new look."""
    response = await client.get("/health/report", headers=BEARER)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-store"
    body = response.json()
    assert body["status"] in {"ok", "warn", "fail"}
    assert body["age_seconds"] == 0
    names = {finding["name"] for finding in body["findings"]}
    assert {"database", "schema", "write DATA_DIR", "workers", "origins", "clock", "local index"} <= names
    assert {"name", "state", "found", "fix", "milliseconds"} == set(body["findings"][0])
    assert TOKEN not in response.text
    assert (await client.get("/health/report", headers=BEARER)).json()["findings"] == body["findings"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer \xe9\xff"}, 401),
        ({"Authorization": f"bearer  {TOKEN} "}, 200),
        ({"X-Lectern-Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer hf_of_the_hub", "X-Lectern-Authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
async def test_nobody_else_does(client: httpx2.AsyncClient, headers: dict[str, str], status: int) -> None:
    """A problem body and the scheme to use; on a private Space the token has a header of its own."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = await client.get("/health/report", headers=raw)
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["error"] == "unauthorized"
        assert "findings" not in response.json()


async def test_without_a_token_there_is_no_report(make_client: MakeClient) -> None:
    """Whatever is offered, an empty one included."""
    client = make_client()
    for headers in ({}, BEARER, {"Authorization": "Bearer "}):
        assert (await client.get("/health/report", headers=headers)).status_code == 404


@pytest.mark.parametrize(("token", "status"), [(None, 404), (TOKEN, 401)])
async def test_who_may_not_have_it_costs_no_look(
    store: SqlStore, settings: Settings, token: str | None, status: int
) -> None:
    """The door is before the work."""
    changed = settings.model_copy(update={"admin_token": SecretStr(token) if token else None})
    app = create_app(changed, Ports(store=store, index=FixedIndex(hits()), llm=ScriptedLLM()))
    examiner = Examiner()
    app.state.report_desk = ReportDesk(examiner)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://lectern.test") as client:
        response = await client.get("/health/report", headers={"Authorization": "Bearer nonsense"})
    assert (response.status_code, examiner.made) == (status, 0)


async def test_many_who_ask_at_once_get_one_report() -> None:
    """They wait for it together; later ones get it with its age, until it is too old."""
    examiner = Examiner()
    desk = ReportDesk(examiner, kept_seconds=30)
    reports = await asyncio.gather(*(desk.report() for _ in range(20)))
    assert {report.findings[0].found for report, _ in reports} == {"report 1"}
    assert (examiner.made, examiner.most_at_once) == (1, 1)
    impatient = ReportDesk(examiner, kept_seconds=0)
    await asyncio.gather(*(impatient.report() for _ in range(3)))
    assert (examiner.made, examiner.most_at_once) == (4, 1)

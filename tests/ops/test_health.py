"""Health: known from memory, whatever is down."""

import httpx2
from tests.conftest import Client
from tests.scripted import FailingStore, FixedIndex, ScriptedLLM, hits

from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports


async def test_health_tells_each_part(client: Client) -> None:
    """200 with the kind and state of every part."""
    body = (await client.get("/health")).json()
    assert body["status"] == "healthy"
    assert set(body["parts"]) == {"store", "index", "llm"}
    assert isinstance(body["startup_seconds"], dict)


async def test_health_is_200_whatever_is_down(settings: Settings) -> None:
    """A part that is down makes it degraded, not dead."""
    ports = Ports(store=FailingStore(), index=FixedIndex(hits()), llm=ScriptedLLM())
    transport = httpx2.ASGITransport(create_app(settings, ports))
    async with httpx2.AsyncClient(transport=transport, base_url="http://lectern.test") as client:
        response = await client.get("/health")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"


async def test_a_worker_is_ready_once_it_is_warm(client: Client) -> None:
    """Before the warm-up has ended, readiness is 503."""
    response = await client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "warming")


async def test_head_is_answered(client: Client) -> None:
    """Probes that send HEAD get 200, as a Space's edge does."""
    for path in ("/", "/health"):
        assert (await client.head(path)).status_code == 200


async def test_the_root_is_a_card_for_programs_and_a_page_for_people(client: Client) -> None:
    """The same address serves JSON and, when HTML is asked for, the chat page under a strict policy."""
    card = await client.get("/")
    assert card.json()["status"] == "online"
    page = await client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.text.startswith("<!doctype html>")
    assert "script-src 'sha256-" in page.headers["content-security-policy"]

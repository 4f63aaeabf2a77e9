"""Calls from pages of other sites, against the table of docs/http-api.md."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Scope
from tests.conftest import Client, MakeClient
from tests.scripted import ScriptedLLM

from lectern.config import Settings
from lectern.web.cross_origin import METHODS, REQUEST_HEADERS, OriginGuardMiddleware
from lectern.web.origins import OriginRules
from lectern.wiring import build_origin_rules

DOCUMENT = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text(encoding="utf-8")
QUESTION = {"message": "What is a reducer?"}
ALLOWED = "https://docs.example.org"
STRANGER = "https://evil.example"


def documented() -> list[tuple[str, ...]]:
    """The rows of the table: origin, preflight, simple, credentialed, rule."""
    table = DOCUMENT.partition("| Origin | Preflight |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [tuple(cell.replace("`", "") for cell in row) for row in rows]


@pytest.fixture
def acme(settings: Settings) -> Settings:
    """The settings of the Space that the table is about."""
    listed = re.search(r"`CORS_ALLOWED_ORIGINS` set to\n`([^`]+)`", DOCUMENT)
    assert listed is not None
    hosts = "acme-docs.hf.space,ask.example.org"
    return Settings(
        _env_file=None,
        data_dir=settings.data_dir,
        space_id="acme/docs",
        space_host=hosts,
        cors_allowed_origins=listed[1],
    )


@pytest.fixture
def space(acme: Settings, make_client: MakeClient) -> Client:
    """A client of that Space."""
    return make_client(changed=acme)


def test_the_table_has_twenty_origins() -> None:
    """None is lost by how the table is read."""
    assert len({origin for origin, *_ in documented()}) == 20


@pytest.mark.parametrize(("origin", "status"), [(row[0], int(row[1])) for row in documented()])
async def test_a_preflight_is_answered_as_documented(space: Client, origin: str, status: int) -> None:
    """The methods and headers of front ends are allowed to those who may call, with credentials; never to all."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
    response = await space.options("/chat", headers=asked | {"Origin": origin})
    assert response.status_code == status
    assert "Origin" in response.headers["vary"]
    assert response.headers.get("access-control-allow-origin") == (origin if status == 200 else None)
    if status == 200:
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize(("origin", "readable"), [(row[0], row[2] == "read") for row in documented()])
async def test_a_simple_call_is_answered_as_documented(space: Client, origin: str, readable: bool) -> None:  # noqa: FBT001
    """What is public is served to every page, and only those that may call can read it."""
    response = await space.get("/health", headers={"Origin": origin})
    assert response.status_code == 200
    assert response.headers["vary"] == "Origin"
    assert response.headers.get("access-control-allow-origin") == (origin if readable else None)


@pytest.mark.parametrize(("origin", "status"), [(row[0], int(row[3])) for row in documented()])
async def test_a_credentialed_call_is_answered_as_documented(space: Client, origin: str, status: int) -> None:
    """An answer with credentials, or a refusal that the page may read without any."""
    credentials = {"Cookie": "session=1"}
    response = await space.post("/chat", json=QUESTION, headers=credentials | {"Origin": origin})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"
    if status == 200:
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["access-control-expose-headers"] == "X-Request-ID, Retry-After"
    else:
        assert "access-control-allow-credentials" not in response.headers
        body = response.json()
        assert body["error"] == "origin_not_allowed"
        assert origin in body["message"]
        assert "CORS_ALLOWED_ORIGINS" in body["message"]
        assert body["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(("origin", "rule"), [(row[0], row[4]) for row in documented()])
def test_the_rule_is_the_documented_one(acme: Settings, origin: str, rule: str) -> None:
    """The table's last column is what a verdict says."""
    assert build_origin_rules(acme).judge(origin).rule == rule


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("header", REQUEST_HEADERS)
async def test_what_front_ends_send_passes_a_preflight(make_client: MakeClient, method: str, header: str) -> None:
    """Every method and header that existing front ends use, in development as on a Space."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": header.lower()}
    response = await make_client().options("/chat", headers=asked | {"Origin": "http://localhost:3000"})
    assert response.status_code == 200
    assert method in response.headers["access-control-allow-methods"]
    assert header in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/chat"),
        ("POST", "/search"),
        ("DELETE", "/chat/sessions/8f3c0000-0000-0000-0000-000000000000"),
        ("PATCH", "/anything"),
        ("PUT", "/"),
        ("GET", "/chat"),
        ("GET", "/chat/sessions"),
        ("GET", "/search"),
    ],
)
async def test_a_stranger_is_refused_where_it_matters(space: Client, method: str, path: str) -> None:
    """What changes something, whether it exists or not, and chat and search by any method."""
    response = await space.request(method, path, headers={"Origin": STRANGER})
    assert (response.status_code, response.json()["error"]) == (403, "origin_not_allowed")
    assert (await space.request(method, path, headers={"Origin": ALLOWED})).status_code != 403
    assert (await space.request(method, path)).status_code != 403


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready", "/docs", "/openapi.json", "/chatter", "/nothing"])
async def test_what_is_public_is_served_to_strangers(space: Client, path: str) -> None:
    """Reading what is not chat or search is refused to nobody, and readable by no stranger's page."""
    response = await space.get(path, headers={"Origin": STRANGER})
    assert response.status_code in {200, 404, 503}
    assert "access-control-allow-origin" not in response.headers


async def test_the_servers_own_page_may_call(make_client: MakeClient, settings: Settings) -> None:
    """The chat page posts with an origin, which nobody has to list; the same name on another port is another."""
    client = make_client(changed=settings.model_copy(update={"space_id": "acme/docs"}))
    own = await client.post("/search", json={"query": "x"}, headers={"Origin": "http://lectern.test"})
    assert own.status_code == 200
    other = await client.post("/search", json={"query": "x"}, headers={"Origin": "http://lectern.test:3000"})
    assert other.status_code == 403


async def test_a_refused_question_reaches_nothing(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """The model is not asked, and the log says which page it was and what is nearly right about it."""
    llm = ScriptedLLM("Never said.")
    with caplog.at_level(logging.WARNING, logger="lectern.web.cross_origin"):
        response = await make_client(llm=llm).post("/chat", json=QUESTION, headers={"Origin": "https://localhost:3000"})
    assert response.status_code == 403
    assert llm.prompts == []
    assert "'https://localhost:3000'" in caplog.text
    assert "http://localhost:3000 is allowed" in caplog.text


@pytest.mark.parametrize("origins", [[STRANGER], [ALLOWED, STRANGER], [ALLOWED, ALLOWED], [""], ["null"]])
async def test_the_guard_reads_no_body(origins: list[str]) -> None:
    """It answers by the head alone; two origins are none, and so is an empty one."""
    sent: list[Message] = []

    async def app(*_: Any) -> None:
        raise AssertionError("the request went through")

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"origin", origin.encode()) for origin in origins]
    scope: Scope = {"type": "http", "method": "POST", "path": "/chat", "scheme": "https", "headers": headers}
    await OriginGuardMiddleware(app, rules=OriginRules([ALLOWED]), guarded=())(scope, receive, send)
    assert sent[0]["status"] == 403


async def test_a_refusal_says_no_more_than_a_page_may_know(space: Client) -> None:
    """A long or odd origin is cut in what is told, and the list of allowed sites is not in it."""
    response = await space.post("/chat", json=QUESTION, headers={"Origin": "https://" + "x" * 5000 + ".example"})
    assert response.status_code == 403
    assert len(response.json()["message"]) < 400
    assert "docs.example.org" not in response.text

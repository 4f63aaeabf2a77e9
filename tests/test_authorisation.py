"""Who may do what: every route × {nobody, visitor, other user, owner, operator}, against the real app on real SQLite.

A route that is not in the table fails the suite, so nobody adds one without saying who may call it.
"""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr
from tests.identities import ListedPeople
from tests.scripted import FixedIndex, hits, passage

from lectern.adapters.sql_migrations import migrate
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Document, Page, Section
from lectern.principal import Principal
from lectern.wiring import build_ports

TABLE: Final = """
Request                                                             nobody  visitor  other  owner  operator

GET     /                                                              200      200    200    200       200
GET     /docs                                                          200      200    200    200       200
GET     /docs/oauth2-redirect                                          200      200    200    200       200
GET     /openapi.json                                                  200      200    200    200       200
GET     /redoc                                                         200      200    200    200       200
GET     /widget.js                                                     200      200    200    200       200
GET     /pages/{site}{page}                                            200      200    200    200       200

GET     /health                                                        200      200    200    200       200
GET     /health/circuits                                               200      200    200    200       200
GET     /health/ready                                                  503      503    503    503       503
GET     /health/report                                                 401      401    403    403       200

POST    /chat                                   question               200      200    200    200       200
POST    /chat                                   owners_follow_up       403      403    403    200       403
POST    /chat                                   visitors_follow_up     200      200    200    200       200
POST    /search                                 words                  200      200    200    200       200
DELETE  /chat/sessions/{owners_session}                                403      403    403    200       403
DELETE  /chat/sessions/{visitors_session}                              200      200    200    200       200
DELETE  /chat/sessions/{nobodys_session}                               200      200    200    200       200
GET     /chat/turns/{owners_turn}/stream                               404      404    404    200       404
GET     /chat/turns/{visitors_turn}/stream                             200      200    200    200       200
DELETE  /chat/turns/{owners_turn}                                      404      404    404    200       404
POST    /chat/turns/{owners_turn}/feedback      rating                 403      403    403    200       403
POST    /chat/turns/{visitors_turn}/feedback    rating                 200      200    200    200       200

POST    /translate                              chapter                200      200    200    200       200
POST    /translate                              text                   200      200    200    200       200
POST    /translate/batch                        texts                  200      200    200    200       200
POST    /personalize                            own_chapter            200      200    200    200       200
POST    /adjust-content                         level                  503      503    503    503       503
POST    /adjust-content/batch                   levels                 503      503    503    503       503

GET     /api/chat/sessions                                             401      401    200    200       403
POST    /api/chat/sessions                      title                  401      401    200    200       403
DELETE  /api/chat/history                                              401      401    200    200       403
GET     /api/chat/sessions/{owners_session}                            401      401    403    200       403
GET     /api/chat/sessions/{visitors_session}                          401      401    200    200       403
DELETE  /api/chat/sessions/{owners_session}                            401      401    403    200       403
GET     /api/chat/sessions/{owners_session}/export                        401      401    403    200       403
PATCH   /api/chat/sessions/{owners_session}/title title                  401      401    403    200       403

POST    /mcp                                    hello                  200      200    200    200       200
GET     /api/{owner}/tasks                                             401      401    403    200       403
POST    /api/{owner}/tasks                      title                  401      401    403    201       403
GET     /api/{owner}/tasks/{owners_task}                               401      401    403    200       403
PUT     /api/{owner}/tasks/{owners_task}        title                  401      401    403    200       403
PATCH   /api/{owner}/tasks/{owners_task}        title                  401      401    403    200       403
PATCH   /api/{owner}/tasks/{owners_task}/complete done                 401      401    403    200       403
PATCH   /api/{owner}/tasks/{owners_task}/complete                      401      401    403    200       403
DELETE  /api/{owner}/tasks/{owners_task}                               401      401    403    200       403
POST    /api/{owner}/chat                       order                  401      401    403    200       403
POST    /api/{owner}/chat                       owners_order           401      401    403    200       403
POST    /api/conversation/clarify               own_order              200      200    200    200       403
POST    /api/conversation/clarify               order_as_owner         401      401    403    200       403

GET     /ingest                                                        401      401    403    403       200
POST    /ingest                                                        401      401    403    403       202
GET     /admin/usage                                                   401      401    403    403       200
GET     /admin/unanswered                                              401      401    403    403       200
GET     /admin/feedback                                                401      401    403    403       200
GET     /admin/people/{owners_id}                                      401      401    403    403       404
GET     /admin/people/{owners_id}/export                               401      401    403    403       404
DELETE  /admin/people/{owners_id}                                      401      401    403    403       200

POST    /api/auth/sign-up                       newcomer               201      201    201    201       201
POST    /api/auth/sign-in                       stranger               401      401    401    401       401
POST    /api/auth/sign-in/email                 stranger               401      401    401    401       401
POST    /api/auth/sign-out                                             200      200    200    200       200
GET     /api/auth/session                                              200      200    200    200       200
GET     /api/auth/get-session                                          200      200    200    200       200
GET     /api/auth/verify                                               200      200    200    200       200
GET     /api/auth/profile                                              401      401    200    200       403
POST    /api/auth/profile/update                profile                401      401    200    200       403
GET     /api/auth/export                                               401      401    200    200       403
DELETE  /api/auth/account                                              401      401    200    200       403
"""
"""What each caller is answered. A third column names a body below; `{things}` are made anew for each answer.

A route stands here once for each thing that makes a difference: `{owners_session}` is what *owner* has asked in,
`{visitors_session}` and `{nobodys_session}` are those of the others; `{owners_turn}` is a turn in such a session,
`{owners_task}` a task, `{owner}` stands in its address, and `{owners_id}` is whom the operator looks up.
`GET` stands for `HEAD` too. `/health/ready` is 503 as this app never warms up, and what wants a model as it has none.
"""

BODIES: Final[dict[str, Any]] = {
    "question": {"message": "What is a reducer?"},
    "owners_follow_up": {"message": "And why?", "session_id": "{owners_session}"},
    "visitors_follow_up": {"message": "And why?", "session_id": "{visitors_session}"},
    "words": {"query": "reducer"},
    "rating": {"rating": "up"},
    "hello": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    "title": {"title": "Reducers"},
    "done": {"completed": True},
    "order": {"message": "show my tasks"},
    "owners_order": {"message": "finish it", "conversation_id": "{owners_session}"},
    "own_order": {"input": "show my tasks", "context": {"user_id": "auth_extract"}},
    "order_as_owner": {"input": "show my tasks", "context": {"user_id": "owner"}},
    "newcomer": {"email": "{new_email}", "password": "correct horse battery"},
    "stranger": {"email": "nobody@example.org", "password": "correct horse battery"},
    "profile": {"proficiency": "pro"},
    "chapter": {"chapter_id": "page-1", "user_id": "owner", "target_language": "en"},
    "text": {"text": "A reducer.", "target_language": "en"},
    "texts": {"texts": ["A reducer."], "target_language": "en"},
    "own_chapter": {"chapter_slug": "page-1"},
    "level": {"text": "A reducer.", "target_level": "pro"},
    "levels": {"texts": ["A reducer."], "target_level": "pro"},
}
"""By name. Texts in them may hold `{things}` too."""

CALLERS: Final = ("nobody", "visitor", "other", "owner", "operator")
ADMIN: Final = "operator-token-0123456789"
PEOPLE: Final = {"listed-owner": Principal("user", "owner"), "listed-other": Principal("user", "other")}
PLACES: Final = {"site": "docs", "page": "/page-1", "owner": "owner", "owners_id": "user:owner"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        method: HTTP's.
        path: With names of things in it.
        body: Its name; empty for none.
        statuses: What each caller is answered.
    """

    method: str
    path: str
    body: str
    statuses: dict[str, int]

    def __str__(self) -> str:
        """The request."""
        return f"{self.method} {self.path} {self.body}".rstrip()


def rows() -> list[Row]:
    """The lines of the table."""
    read = []
    for line in filter(None, TABLE.strip().splitlines()[1:]):
        method, path, *body, nobody, visitor, other, owner, operator = line.split()
        statuses = dict(zip(CALLERS, map(int, (nobody, visitor, other, owner, operator)), strict=True))
        read.append(Row(method, path, "".join(body), statuses))
    return read


class OnePage(FixedIndex):
    """Finds one passage, of a page that it can show."""

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """The page."""
        return (Page("docs", "page-1.md", "/page-1", "A page", "/page-1"),)

    async def document(self, site: str, route: str) -> Document | None:
        """The page."""
        sections = (Section("part", ("Part",), "Reducers are pure.", ("Reducers are pure.",)),)
        return Document("page-1.md", f"A page of {site}", route, "", "", "", sections)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncGenerator[FastAPI, None]:
    """The app as its settings wire it; only the pages and the people are the test's."""
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        content_dir=tmp_path / "content",
        image_index_dir=tmp_path / "image",
        port=0,
        admin_token=SecretStr(ADMIN),
    )
    migrate(settings.sqlalchemy_url)
    ports = build_ports(settings, database_connections=2, search_threads=1)
    index = OnePage(hits(passage(1, "Reducers are pure.")))
    identities = (*ports.identities, ListedPeople(PEOPLE))
    app = create_app(settings, replace(ports, index=index, identities=identities))
    yield app
    await app.state.mcp.close()
    for part in (ports.llm, *ports.fallback_llms, ports.embeddings, ports.index, *ports.identities, ports.store):
        if part is not None:
            await part.close()


def shown_by(app: FastAPI) -> dict[str, dict[str, str]]:
    """What each caller carries."""
    visitors = app.state.access.visitors
    cookie = visitors.cookie(visitors.of(None), secure=False).partition(";")[0]
    return {
        "nobody": {},
        "visitor": {"Cookie": cookie},
        "other": {"Authorization": "Bearer listed-other"},
        "owner": {"Authorization": "Bearer listed-owner"},
        "operator": {"Authorization": f"Bearer {ADMIN}"},
        "forger": {"Authorization": "Bearer listed-forger"},
    }


class Setting:
    """The app, its callers, and what they have of their own."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx2.ASGITransport(app)
        self._shown = shown_by(app)

    async def ask(self, row: Row, caller: str) -> httpx2.Response:
        """Make the things that a row names, and its request as this caller."""
        body = json.dumps(BODIES[row.body]) if row.body else ""
        things = {name: await self._thing(name) for name in re.findall(r"\{(\w+)\}", row.path + body)}
        path, content = _filled(row.path, things), _filled(body, things)
        return await self._send(caller, row.method, path, content)

    async def _thing(self, name: str) -> str:
        if name in PLACES:
            return PLACES[name]
        if name == "new_email":
            return f"{uuid4().hex}@example.org"
        whose, _, what = name.partition("s_")
        if what == "task":
            added = await self._send(whose, "POST", f"/api/{whose}/tasks", json.dumps(BODIES["title"]))
            return str(added.json()["id"])
        key = {"session": "session_id", "turn": "turn_id"}[what]
        asked = await self._send(whose, "POST", "/chat", json.dumps(BODIES["question"]))
        return str(asked.json()[key])

    async def _send(self, caller: str, method: str, path: str, content: str) -> httpx2.Response:
        headers = self._shown[caller] | ({"Content-Type": "application/json"} if content else {})
        # A client of its own, as one would keep the cookies of one caller for the next.
        async with httpx2.AsyncClient(transport=self._transport, base_url="http://lectern.test") as client:
            return await client.request(method, path, content=content, headers=headers)


def _filled(text: str, things: dict[str, str]) -> str:
    for name, thing in things.items():
        text = text.replace(f"{{{name}}}", thing)
    return text


def _shape(path: str) -> str:
    """A path without its parameters' names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_route_is_in_the_table(settings: Settings) -> None:
    """By method and path; and the table has none that is gone."""
    contexts = iter_route_contexts(create_app(settings).routes)
    routes = {(method, _shape(context.path or "")) for context in contexts for method in context.methods or ()}
    read_too = {("HEAD", path) for method, path in routes if method == "GET"}
    assert {("POST", "/chat"), ("GET", "/docs"), ("GET", "/pages/{}{}")} <= routes
    assert {(row.method, _shape(row.path)) for row in rows()} == routes - read_too


@pytest.mark.parametrize("row", rows(), ids=str)
async def test_each_caller_is_answered_as_the_table_says(app: FastAPI, row: Row) -> None:
    """Each on things made for it alone; a refusal is a problem body that tells nothing of anybody's."""
    setting = Setting(app)
    responses = {caller: await setting.ask(row, caller) for caller in CALLERS}
    assert {caller: response.status_code for caller, response in responses.items()} == row.statuses
    for response in responses.values():
        if response.status_code in {401, 403, 404}:
            assert response.headers["content-type"] == "application/problem+json"
            assert not re.search(r"reducer|listed-|owner:", response.text, re.IGNORECASE)


@pytest.mark.parametrize("row", [row for row in rows() if len(set(row.statuses.values())) > 1], ids=str)
async def test_where_it_counts_who_asks_a_wrong_token_is_refused(app: FastAPI, row: Row) -> None:
    """401 and not what a visitor is answered: a reader whose login is over is told so."""
    response = await Setting(app).ask(row, "forger")
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized")

"""The "Reader chat" front end: every request that its code makes, as its browser makes it, and each field it reads.

A book on Docusaurus with a chat panel; accounts by cookie, `credentials: "include"`. What it calls to translate and to
personalise a chapter is in `test_reader_study.py`.
"""

from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.frontends.page import Answer, Blocked, Page
from tests.frontends.shapes import has, is_error, is_uuid

pytestmark = pytest.mark.process

QUESTION = "How do I run the tests?"
PASSWORD = "correct horse battery staple"
PROFILE = {"programmingLevel": "beginner", "hardwareBackground": "none", "learningGoals": "Build a walking robot"}
OpenPage = Callable[[], Page]


def ask(page: Page, message: str = QUESTION, **more: object) -> Answer:
    """`sendMessage` of the panel."""
    return page.fetch("POST", "/chat", {"message": message} | more, credentials="include")


def sign_up(page: Page, email: str) -> Answer:
    """The sign-up form."""
    body = {"email": email, "password": PASSWORD, "name": "Ada", **PROFILE}
    return page.fetch("POST", "/api/auth/sign-up", body, credentials="include")


def session(page: Page) -> object:
    """Who the page's `useSession` says is signed in."""
    answer = page.fetch("GET", "/api/auth/session", credentials="include")
    assert answer.status == 200
    has(answer.json(), session=(dict, type(None)))
    return answer.json()["session"]


def is_user(user: object, email: str) -> None:
    """The profile as the page shows it."""
    has(user, id=str, email=str, name=str, programmingLevel=str, hardwareBackground=str, learningGoals=str)
    assert isinstance(user, dict)
    assert user["email"] == email
    assert {name: user[name] for name in PROFILE} == PROFILE


def test_a_reader_asks_and_reads_the_sources(page: Page) -> None:
    """The panel shows the answer and links each source to `/${slug}` of the book."""
    answer = ask(page, context="make test runs the whole suite")
    assert answer.status == 200
    body = answer.json()
    has(body, session_id=str, message=str, sources=list, metadata=dict)
    assert is_uuid(body["session_id"])
    assert body["message"]
    assert body["sources"]
    for source in body["sources"]:
        has(source, chunk_id=str, title=str, slug=str, score=float)
        assert not source["slug"].startswith("/")
    has(body["metadata"], response_time_ms=float, tokens_used=int, context_chunks=int)
    assert body["metadata"]["context_chunks"] == len(body["sources"])


def test_an_anonymous_reader_goes_on(page: Page) -> None:
    """The panel sends the session's id back, and stays in it; so does a reload that still has the id."""
    first = ask(page).json()["session_id"]
    assert ask(page, "And where are they described?", session_id=first).json()["session_id"] == first
    page.cookies.clear()
    assert ask(page, "And then?", session_id=first).json()["session_id"] == first


def test_a_reader_begins_anew(page: Page) -> None:
    """A new chat deletes the session: 200, and 404 when it is gone already; the panel takes both."""
    conversation = ask(page).json()["session_id"]
    path = f"/chat/sessions/{conversation}"
    assert page.fetch("DELETE", path, credentials="include").status == 200
    gone = page.fetch("DELETE", path, credentials="include")
    assert gone.status == 404
    is_error(gone.json())
    is_error(ask(page, session_id=conversation).json())


def test_a_reader_searches(page: Page) -> None:
    """The search box shows title and snippet of each result, best first."""
    answer = page.fetch("POST", "/search", {"query": "run the tests", "top_k": 3})
    assert answer.status == 200
    has(answer.json(), query=str, results=list)
    assert answer.json()["query"] == "run the tests"
    results = answer.json()["results"]
    assert 0 < len(results) <= 3
    for result in results:
        has(result, chunk_id=str, title=str, slug=str, snippet=str, score=float)
    assert [result["score"] for result in results] == sorted((result["score"] for result in results), reverse=True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"message": ""}, 422),
        ({"message": "x" * 9_000}, 422),
        ({"message": "x" * 300_000}, 413),
        ({"message": "x", "session_id": "42"}, 422),
    ],
    ids=["nothing", "empty", "too long", "much too long", "no session id"],
)
def test_the_panel_can_show_every_error(page: Page, body: dict[str, object], status: int) -> None:
    """Each refusal has `detail`, `error` and `message`, short and safe to show, and the page may read it."""
    answer = page.fetch("POST", "/chat", body, credentials="include")
    assert answer.status == status
    is_error(answer.json())


def test_a_reader_signs_up_stays_and_leaves(page: Page, email: str) -> None:
    """Sign-up signs in by a cookie that no script may read; sign-out ends it; sign-in brings the profile back."""
    assert session(page) is None
    created = sign_up(page, email)
    assert created.status == 201
    has(created.json(), user=dict, message=str)
    is_user(created.json()["user"], email)
    assert page.cookies
    assert all("httponly" in cookie.attributes for cookie in page.cookies.values())
    signed_in = session(page)
    has(signed_in, user=dict)
    assert isinstance(signed_in, dict)
    is_user(signed_in["user"], email)

    kept = dict(page.cookies)
    left = page.fetch("POST", "/api/auth/sign-out", {}, credentials="include")
    assert (left.status, left.json()["success"]) == (200, True)
    assert session(page) is None
    page.cookies.update(kept)
    assert session(page) is None, "the cookie of a login that was ended still says who it is"

    back = page.fetch("POST", "/api/auth/sign-in", {"email": email, "password": PASSWORD}, credentials="include")
    assert back.status == 200
    has(back.json(), user=dict, message=str)
    is_user(back.json()["user"], email)


def test_a_name_may_be_left_out(page: Page, email: str) -> None:
    """The form's name is optional; it stays a text."""
    created = page.fetch(
        "POST", "/api/auth/sign-up", {"email": email, "password": PASSWORD, **PROFILE}, credentials="include"
    )
    assert created.status == 201
    is_user(created.json()["user"], email)


def test_an_address_is_taken_once(open_page: OpenPage, email: str) -> None:
    """409 for the second, whoever writes it in capitals; nobody is signed in by it."""
    assert sign_up(open_page(), email).status == 201
    second = open_page()
    taken = sign_up(second, email.upper())
    assert taken.status == 409
    is_error(taken.json())
    assert session(second) is None


def test_a_wrong_password_and_an_unknown_address_are_one(open_page: OpenPage, email: str) -> None:
    """401 with the same words, so that nobody learns who has an account."""
    assert sign_up(open_page(), email).status == 201
    page = open_page()
    told = []
    for address in (email, f"nobody-{email}"):
        body = {"email": address, "password": "not the password"}
        refused = page.fetch("POST", "/api/auth/sign-in", body, credentials="include")
        assert refused.status == 401
        is_error(refused.json())
        told.append({name: refused.json()[name] for name in ("detail", "error", "message")})
    assert told[0] == told[1]
    assert session(page) is None


def test_who_signs_in_keeps_the_conversation(open_page: OpenPage, email: str) -> None:
    """The panel goes on with the session of before the sign-up; from then on it is that reader's alone."""
    page = open_page()
    conversation = ask(page).json()["session_id"]
    assert sign_up(page, email).status == 201
    assert ask(page, "And then?", session_id=conversation).json()["session_id"] == conversation
    other = ask(open_page(), "What was said?", session_id=conversation)
    assert other.status == 403
    is_error(other.json())
    refused = open_page().fetch("DELETE", f"/chat/sessions/{conversation}", credentials="include")
    assert refused.status == 403
    assert ask(page, "Still here?", session_id=conversation).status == 200


def test_an_unknown_session_is_said_to_be_unknown(page: Page) -> None:
    """404, at which the panel begins a new one."""
    answer = ask(page, session_id=str(uuid4()))
    assert answer.status == 404
    is_error(answer.json())


def test_a_stranger_s_page_gets_nowhere(stranger: Page, email: str) -> None:
    """Neither a question nor a sign-up nor a look at who is signed in, though the browser would send the cookie."""
    for method, path, body in [
        ("POST", "/chat", {"message": QUESTION}),
        ("POST", "/api/auth/sign-up", {"email": email, "password": PASSWORD}),
        ("POST", "/api/auth/sign-out", {}),
        ("GET", "/api/auth/session", None),
    ]:
        with pytest.raises(Blocked):
            stranger.fetch(method, path, body, credentials="include")

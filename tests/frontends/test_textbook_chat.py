"""The "Textbook chat" front end: every request that its code makes, as its browser makes it, and each field it reads.

A textbook whose readers sign in for a bearer token, kept by the page, and find their conversations again. What it calls
to translate and to adjust text is in `test_textbook_study.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from tests.frontends.page import Answer, Blocked, Page
from tests.frontends.shapes import has, is_error, is_moment, is_uuid

pytestmark = pytest.mark.process

QUESTION = "How do I run the tests?"
PASSWORD = "correct horse battery staple"
OpenPage = Callable[[], Page]
OPTIONAL_TEXT = (str, type(None))


@dataclass(slots=True)
class Reader:
    """A page with a token in its storage."""

    page: Page
    email: str
    user: dict[str, Any]
    token: str

    def fetch(self, method: str, path: str, body: object = None) -> Answer:
        """`authFetch`: a fetch with the token."""
        return self.page.fetch(method, path, body, headers={"Authorization": f"Bearer {self.token}"})

    def ask(self, query: str = QUESTION, **more: object) -> dict[str, Any]:
        """Ask in a session of this reader's."""
        answer = self.fetch("POST", "/chat", {"query": query, "selected_text": None} | more)
        assert answer.status == 200, answer.text
        has(answer.json(), response=str, session_id=str)
        return dict(answer.json())

    def sessions(self, query: str = "limit=50&offset=0") -> list[dict[str, Any]]:
        """The side bar."""
        answer = self.fetch("GET", f"/api/chat/sessions?{query}")
        assert answer.status == 200, answer.text
        has(answer.json(), sessions=list)
        return list(answer.json()["sessions"])


def is_signed_in(body: Any, email: str) -> None:
    """What the page keeps of a sign-up or sign-in."""
    has(body, user=dict, session=dict)
    has(body["user"], id=str, email=str, name=str, proficiency=str, emailVerified=bool, createdAt=str, updatedAt=str)
    assert (body["user"]["email"], body["user"]["proficiency"]) == (email, "beginner")
    assert is_moment(body["user"]["createdAt"])
    has(body["session"], accessToken=str, tokenType=str, expiresAt=str)
    assert body["session"]["tokenType"] == "Bearer"
    assert is_moment(body["session"]["expiresAt"])


def is_session(session: Any, reader: Reader) -> None:
    """A line of the side bar."""
    has(session, id=str, user_id=str, title=str, created_at=str, updated_at=str, is_active=bool, message_count=int)
    assert is_uuid(session["id"])
    assert session["user_id"] == reader.user["id"]
    assert is_moment(session["created_at"])
    assert is_moment(session["updated_at"])


@pytest.fixture
def sign_up(open_page: OpenPage) -> Callable[[], Reader]:
    """Signs up a new reader in a browser of its own."""

    def signed_up() -> Reader:
        page, email = open_page(), f"reader-{uuid4().hex[:12]}@example.org"
        body = {"email": email, "name": "Ada", "password": PASSWORD, "proficiency": "beginner"}
        answer = page.fetch("POST", "/api/auth/sign-up", body)
        assert answer.status in (200, 201), answer.text
        is_signed_in(answer.json(), email)
        return Reader(page, email, answer.json()["user"], answer.json()["session"]["accessToken"])

    return signed_up


@pytest.fixture
def reader(sign_up: Callable[[], Reader]) -> Reader:
    """A reader who is signed in."""
    return sign_up()


def test_an_anonymous_reader_asks_and_keeps_nothing(page: Page) -> None:
    """`{response, session_id}`; there is no list for who is not signed in."""
    answer = page.fetch("POST", "/chat", {"query": QUESTION, "selected_text": "make test"})
    assert answer.status == 200
    has(answer.json(), response=str, session_id=str)
    assert answer.json()["response"]
    listed = page.fetch("GET", "/api/chat/sessions?limit=20&offset=0")
    assert listed.status == 401
    is_error(listed.json())


def test_a_reader_signs_in_again(reader: Reader, open_page: OpenPage) -> None:
    """The same account, another token; `get-session`, `verify` and `profile` know it."""
    page = open_page()
    answer = page.fetch("POST", "/api/auth/sign-in/email", {"email": reader.email, "password": PASSWORD})
    assert answer.status == 200
    is_signed_in(answer.json(), reader.email)
    assert answer.json()["user"]["id"] == reader.user["id"]
    again = Reader(page, reader.email, answer.json()["user"], answer.json()["session"]["accessToken"])
    assert again.token != reader.token

    current = again.fetch("GET", "/api/auth/get-session")
    assert current.status == 200
    has(current.json(), user=dict, session=dict)
    assert current.json()["user"]["id"] == reader.user["id"]
    verified = again.fetch("GET", "/api/auth/verify")
    assert (verified.status, verified.json()["valid"]) == (200, True)
    assert verified.json()["user"]["email"] == reader.email


def test_nobody_is_signed_in_at_first(page: Page) -> None:
    """`get-session` has both null; a profile wants a token."""
    current = page.fetch("GET", "/api/auth/get-session")
    assert (current.status, current.json()) == (200, {"user": None, "session": None})
    profile = page.fetch("GET", "/api/auth/profile")
    assert profile.status == 401
    is_error(profile.json())


def test_a_wrong_password_is_401(reader: Reader, open_page: OpenPage) -> None:
    """The form shows `detail`; the address in it is not repeated."""
    answer = open_page().fetch("POST", "/api/auth/sign-in/email", {"email": reader.email, "password": "wrong-password"})
    assert answer.status == 401
    is_error(answer.json())
    assert reader.email not in answer.text


def test_a_profile_is_kept(reader: Reader) -> None:
    """What the questionnaire sends comes back in `profile`."""
    told = {"technical_background": "C++, some Python", "hardware_access": "a Jetson Nano", "learning_goals": "ROS 2"}
    updated = reader.fetch("POST", "/api/auth/profile/update", told)
    assert (updated.status, updated.json()["success"]) == (200, True)
    profile = reader.fetch("GET", "/api/auth/profile")
    assert profile.status == 200
    has(profile.json(), profile=dict)
    assert {name: profile.json()["profile"][name] for name in told} == told


def test_a_question_opens_a_titled_session(reader: Reader) -> None:
    """With a token and no session the turn lands in a new one, titled from the question; the side bar has it."""
    assert reader.sessions() == []
    asked = reader.ask()
    reader.ask("And where are they described?", session_id=asked["session_id"])
    [session] = reader.sessions()
    is_session(session, reader)
    assert session["id"] == asked["session_id"]
    assert session["title"].rstrip("…") in QUESTION
    assert session["message_count"] == 4


def test_a_session_is_read_with_its_messages(reader: Reader) -> None:
    """Questions and answers in their order, what was selected with the question, the sources with the answer."""
    asked = reader.ask(selected_text="make test runs the whole suite")
    answer = reader.fetch("GET", f"/api/chat/sessions/{asked['session_id']}")
    assert answer.status == 200
    has(answer.json(), session=dict, messages=list)
    is_session(answer.json()["session"], reader)
    question, reply = answer.json()["messages"]
    for message in (question, reply):
        has(message, id=str, session_id=str, role=str, content=str, selected_text=OPTIONAL_TEXT, created_at=str)
        assert message["session_id"] == asked["session_id"]
        assert is_moment(message["created_at"])
    assert (question["role"], question["content"]) == ("user", QUESTION)
    assert question["selected_text"] == "make test runs the whole suite"
    assert (reply["role"], reply["content"]) == ("assistant", asked["response"])
    has(reply, sources=list)
    assert reply["sources"]


def test_sessions_come_in_pages_the_latest_first(reader: Reader) -> None:
    """`limit` and `offset` of the side bar."""
    ids = [reader.ask(f"{QUESTION} ({number})")["session_id"] for number in range(3)]
    assert [session["id"] for session in reader.sessions()] == ids[::-1]
    assert [session["id"] for session in reader.sessions("limit=1&offset=1")] == [ids[1]]
    assert reader.sessions("limit=10&offset=3") == []


@pytest.mark.parametrize("body", [{}, {"title": "Chapter 3"}], ids=["untitled", "titled"])
def test_a_session_is_begun_empty(reader: Reader, body: dict[str, str]) -> None:
    """A new chat: the page reads the id and asks in it."""
    answer = reader.fetch("POST", "/api/chat/sessions", body)
    assert answer.status in (200, 201), answer.text
    session = answer.json().get("session", answer.json())
    is_session(session, reader)
    assert session["message_count"] == 0
    assert session["title"] == body.get("title", session["title"])
    assert reader.ask(session_id=session["id"])["session_id"] == session["id"]


def test_a_session_is_renamed_exported_and_deleted(reader: Reader) -> None:
    """Each as the menu of a session does it."""
    asked = reader.ask()
    path = f"/api/chat/sessions/{asked['session_id']}"
    renamed = reader.fetch("PATCH", f"{path}/title", {"title": "Läufe der Tests"})
    assert renamed.status == 200
    has(renamed.json(), message=str)
    assert reader.sessions()[0]["title"] == "Läufe der Tests"

    for format_, content in (("text", str), ("json", (str, dict, list))):
        exported = reader.fetch("GET", f"{path}/export?format={format_}")
        assert exported.status == 200
        has(exported.json(), format=str, content=content)
        assert exported.json()["format"] == format_
        assert QUESTION in str(exported.json()["content"])

    deleted = reader.fetch("DELETE", path)
    assert deleted.status == 200
    has(deleted.json(), message=str)
    assert reader.sessions() == []
    gone = reader.fetch("GET", path)
    assert gone.status == 404
    is_error(gone.json())


def test_a_history_is_deleted(reader: Reader, sign_up: Callable[[], Reader]) -> None:
    """All of this reader's sessions, and nobody else's."""
    other = sign_up()
    other.ask()
    reader.ask()
    reader.ask("Something else?")
    deleted = reader.fetch("DELETE", "/api/chat/history")
    assert deleted.status == 200
    has(deleted.json(), message=str)
    assert reader.sessions() == []
    assert len(other.sessions()) == 1


def test_another_s_session_is_403_by_every_way(reader: Reader, sign_up: Callable[[], Reader]) -> None:
    """Read, exported, renamed, deleted or asked in: refused, and it stays as it was."""
    path = f"/api/chat/sessions/{reader.ask()['session_id']}"
    before = reader.fetch("GET", path).json()
    other = sign_up()
    for method, where, body in [
        ("GET", path, None),
        ("GET", f"{path}/export?format=text", None),
        ("PATCH", f"{path}/title", {"title": "Mine"}),
        ("DELETE", path, None),
        ("POST", "/chat", {"query": QUESTION, "selected_text": None, "session_id": path.rpartition("/")[2]}),
    ]:
        refused = other.fetch(method, where, body)
        assert refused.status == 403, (method, where, refused.text)
        is_error(refused.json())
    assert reader.fetch("GET", path).json() == before


def test_an_unknown_session_is_404_by_every_way(reader: Reader) -> None:
    """Also for who is signed in."""
    path = f"/api/chat/sessions/{uuid4()}"
    for method, where, body in [
        ("GET", path, None),
        ("GET", f"{path}/export?format=json", None),
        ("PATCH", f"{path}/title", {"title": "Mine"}),
        ("DELETE", path, None),
    ]:
        answer = reader.fetch(method, where, body)
        assert answer.status == 404, (method, where, answer.text)
        is_error(answer.json())


@pytest.mark.parametrize(
    "token",
    ["", "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "e" * 16_000],
    ids=["empty", "a word", "alg none", "16 KB"],
)
def test_a_token_that_is_none_is_401_by_every_way(page: Page, token: str) -> None:
    """The page signs its reader out when it sees one, and shows the reason."""
    for method, path, body in [
        ("GET", "/api/chat/sessions", None),
        ("POST", "/api/chat/sessions", {}),
        ("GET", f"/api/chat/sessions/{uuid4()}", None),
        ("DELETE", "/api/chat/history", None),
        ("POST", "/chat", {"query": QUESTION, "selected_text": None}),
        ("GET", "/api/auth/profile", None),
        ("POST", "/api/auth/profile/update", {"learning_goals": "x"}),
    ]:
        answer = page.fetch(method, path, body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 401, (method, path, answer.text)
        is_error(answer.json())


def test_a_stranger_s_page_gets_nowhere(stranger: Page) -> None:
    """Not even with a reader's token in its hands is anything shown to it."""
    for method, path in [("GET", "/api/chat/sessions"), ("DELETE", "/api/chat/history"), ("GET", "/api/auth/profile")]:
        with pytest.raises(Blocked):
            stranger.fetch(method, path, headers={"Authorization": "Bearer x"})

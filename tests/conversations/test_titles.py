"""Titles of every awkward kind."""

import pytest
from tests.conftest import Client
from tests.conversations.people import AS_ADA

TITLES = {
    "Urdu": ("سوال کیا ہے؟", "سوال کیا ہے؟"),
    "emoji": ("👩🏽‍🔬 🦊", "👩🏽‍🔬 🦊"),
    "joiners": ("می‌خواهم", "می‌خواهم"),
    "markup": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "SQL": ("'; DROP TABLE conversations; --", "'; DROP TABLE conversations; --"),
    "lines": ("one\r\n two\u2028three\tfour", "one two three four"),
    "controls": ("a\x07b\x1b[31mc\x85", "a b [31mc"),
    "blanks": ("   x   ", "x"),
    "exactly long enough": ("é" * 200, "é" * 200),
    "long by its blanks": (" " * 5000 + "x" + "\n" * 5000, "x"),
}


@pytest.mark.parametrize(("given", "kept"), TITLES.values(), ids=TITLES)
async def test_a_title_is_one_line(client: Client, session: str, given: str, kept: str) -> None:
    """Whatever a reader pastes becomes one line; else it is kept as it was written, never as markup or a statement."""
    path = f"/api/chat/sessions/{session}/title"
    response = await client.patch(path, json={"title": given}, headers=AS_ADA)
    assert (response.status_code, list(response.json())) == (200, ["message"])
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert body["session"]["title"] == kept


BAD_TITLES = {
    "empty": b'{"title": ""}',
    "blank": b'{"title": " \\n\\u00a0\\u2003"}',
    "controls only": b'{"title": "\\u0007\\u0085"}',
    "NUL": b'{"title": "a\\u0000b"}',
    "half a character": rb'{"title": "a\ud800"}',
    "too long": b'{"title": "' + b"x" * 201 + b'"}',
    "too long to look at": b'{"title": "' + b"x" * 200_000 + b'"}',
    "a number": b'{"title": 5}',
    "a list": b'{"title": ["x"]}',
    "null": b'{"title": null}',
    "none": b"{}",
    "no JSON": b"title=x",
    "nothing": b"",
}


@pytest.mark.parametrize("content", BAD_TITLES.values(), ids=BAD_TITLES)
async def test_a_bad_title_is_refused_and_changes_nothing(client: Client, session: str, content: bytes) -> None:
    """A clear short 422; the conversation keeps its name."""
    headers = AS_ADA | {"Content-Type": "application/json"}
    response = await client.patch(f"/api/chat/sessions/{session}/title", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")
    assert 0 < len(response.json()["message"]) <= 200
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert body["session"]["title"] == "Reducers"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_title_of_a_megabyte_is_refused_at_the_door(client: Client, session: str, method: str) -> None:
    """The body is too large before anything of it is looked at; nothing is begun or renamed."""
    path = "/api/chat/sessions" + (f"/{session}/title" if method == "PATCH" else "")
    response = await client.request(method, path, json={"title": "x" * 1_000_000}, headers=AS_ADA)
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")
    [kept] = (await client.get("/api/chat/sessions", headers=AS_ADA)).json()["sessions"]
    assert (kept["id"], kept["title"]) == (session, "Reducers")


async def test_renaming_is_not_using(client: Client, session: str) -> None:
    """A conversation stays where it is in the list."""
    later = (await client.post("/api/chat/sessions", json={}, headers=AS_ADA)).json()["id"]
    await client.patch(f"/api/chat/sessions/{session}/title", json={"title": "x"}, headers=AS_ADA)
    listed = (await client.get("/api/chat/sessions", headers=AS_ADA)).json()["sessions"]
    assert [one["id"] for one in listed] == [later, session]

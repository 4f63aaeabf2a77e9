"""The one error shape: every kind of error has it."""

import pytest
from tests.conftest import Client, MakeClient
from tests.scripted import FixedIndex

from lectern.errors import IndexUnavailable, LecternError, TooBusy
from lectern.web.problems import problem_response

MEMBERS = {"type", "title", "status", "detail", "error", "message", "retryable", "request_id"}


async def test_an_unknown_route_and_method_have_the_shape(client: Client) -> None:
    """Errors of the framework are told like our own."""
    for method, path, status, code in [
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/chat", 405, "method_not_allowed"),
        ("GET", "/chat/", 404, "not_found"),
    ]:
        response = await client.request(method, path)
        body = response.json()
        assert (response.status_code, body["error"]) == (status, code)
        assert set(body) >= MEMBERS
        assert body["request_id"] == response.headers["x-request-id"]


async def test_a_defect_tells_nothing(make_client: MakeClient) -> None:
    """An unforeseen exception is a 500 without its text, and still carries the request's id."""
    response = await make_client(index=FixedIndex(ZeroDivisionError("the defect"))).post(
        "/chat", json={"message": "What is a reducer?"}
    )
    assert response.status_code == 500
    assert response.json()["error"] == "internal_error"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "defect" not in response.text


async def test_a_browser_can_read_every_error(make_client: MakeClient) -> None:
    """Refusals and defects carry the headers without which a page is shown nothing of them."""
    client = make_client(index=FixedIndex(ZeroDivisionError("the defect")))
    origin = {"Origin": "http://localhost:3000"}
    seen = set()
    for path, content, kind in [
        ("/chat", b'{"message": "What is it?"}', "application/json"),
        ("/chat", b"{}", "application/json"),
        ("/chat", b"{}", "text/plain"),
        ("/chat", b"x" * 1_000_000, "application/json"),
        ("/nothing", b"{}", "application/json"),
    ]:
        response = await client.post(path, content=content, headers=origin | {"Content-Type": kind})
        assert response.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert response.json()["request_id"] == response.headers["x-request-id"]
        seen.add(response.status_code)
    assert seen == {500, 422, 415, 413, 404}


async def test_a_known_failure_has_its_status_and_hint(make_client: MakeClient) -> None:
    """An error raised below the endpoint keeps its code, status and whether a retry helps."""
    response = await make_client(index=FixedIndex(IndexUnavailable())).post("/chat", json={"message": "What is it?"})
    body = response.json()
    assert (response.status_code, body["error"], body["retryable"]) == (503, "index_unavailable", True)


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    """A client that waits for what it is told does not come too early."""
    assert problem_response(TooBusy(retry_after_seconds=1.2)).headers["retry-after"] == "2"


def kinds(kind: type[LecternError]) -> list[type[LecternError]]:
    """All errors below one."""
    return [child for direct in kind.__subclasses__() for child in (direct, *kinds(direct))]


@pytest.mark.parametrize("kind", kinds(LecternError), ids=lambda kind: kind.__name__)
def test_each_error_is_complete(kind: type[LecternError]) -> None:
    """Code, status and a message safe to show; a 5xx other than a defect can be told from ours."""
    error = kind()
    assert error.code.replace("_", "").isalpha()
    assert 400 <= error.status < 600
    assert error.message.endswith(".")
    named = [other.code for other in kinds(LecternError) if "code" in vars(other)]
    assert len(set(named)) == len(named)

"""Errors below `/v1`, whoever refuses: OpenAI's shape and statuses."""

from typing import Any

import jsonschema_rs
import pytest
from tests.conftest import Client

from lectern.errors import (
    BudgetSpent,
    Forbidden,
    IdempotencyMismatch,
    InternalError,
    InvalidRequest,
    LecternError,
    ModelNotFound,
    RateLimited,
    TooBusy,
    TurnRunning,
    Unauthorized,
    UpstreamRejected,
)
from lectern.formats.openai_errors import ERROR_SCHEMA
from lectern.openai_api.problems import OPENAI
from lectern.web.problems import PROBLEM, problem_response, shape_for


def error_of(body: Any) -> dict[str, Any]:
    """The error in a body, which has the shape and nothing else."""
    jsonschema_rs.validate(ERROR_SCHEMA, body)
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidRequest(), 400, "invalid_request_error"),
        (IdempotencyMismatch(), 400, "invalid_request_error"),
        (Unauthorized(), 401, "authentication_error"),
        (Forbidden(), 403, "permission_error"),
        (ModelNotFound(), 404, "invalid_request_error"),
        (RateLimited(), 429, "rate_limit_error"),
        (InternalError(), 500, "server_error"),
        (TooBusy(), 503, "server_error"),
    ],
    ids=lambda value: value.code if isinstance(value, LecternError) else "",
)
def test_each_error_has_the_status_that_sdks_know(error: LecternError, status: int, kind: str) -> None:
    """What is wrong with a request is 400 there; the code stays Lectern's own."""
    told = error_of(OPENAI.body(error))
    assert (OPENAI.status(error), told["type"], told["code"]) == (status, kind, error.code)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RateLimited(), "true"),
        (TurnRunning(), "true"),
        (TooBusy(), "true"),
        (BudgetSpent(), "false"),
        (UpstreamRejected(), "false"),
        (InternalError(), "false"),
        (InvalidRequest(), None),
    ],
    ids=lambda value: value.code if isinstance(value, LecternError) else "",
)
def test_sdks_are_told_what_not_to_send_again(error: LecternError, advice: str | None) -> None:
    """They would send any 429 and 5xx again, twice."""
    assert problem_response(error, OPENAI).headers.get("x-should-retry") == advice
    assert "x-should-retry" not in problem_response(error).headers


def test_a_field_that_is_wrong_is_named() -> None:
    """As `param`."""
    error = InvalidRequest("model: must not be empty", fields=(("model", "must not be empty"), ("n", "must be 1")))
    assert error_of(OPENAI.body(error))["param"] == "model"


def test_a_shape_is_for_a_path_and_all_below() -> None:
    """And for nothing that only begins with the same letters."""
    shapes = {"/v1": OPENAI}
    assert [shape_for(path, shapes) for path in ("/v1", "/v1/models", "/v1/a/b")] == [OPENAI] * 3
    assert [shape_for(path, shapes) for path in ("/v12", "/", "/chat", "/api/v1")] == [PROBLEM] * 4


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"x" * 1_000_000, {"Content-Type": "application/json"}, 413, "payload_too_large"),
        (b"{}", {"Content-Type": "application/json", "Origin": "https://evil.example"}, 403, "origin_not_allowed"),
        (b"{}", {"Content-Type": "application/json"}, 404, "not_found"),
    ],
    ids=["media type", "size", "origin", "route"],
)
async def test_what_middleware_refuses_has_the_shape(
    client: Client, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Before any route is asked; elsewhere the same refusal is a problem body."""
    response = await client.post("/v1/nothing", content=content, headers=headers)
    assert (response.status_code, error_of(response.json())["code"]) == (status, code)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    elsewhere = await client.post("/nothing", content=content, headers=headers)
    assert elsewhere.json()["error"] == code

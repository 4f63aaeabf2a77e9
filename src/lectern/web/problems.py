"""Errors as JSON, once: the body of RFC 9457 that also carries what existing front ends read.

`{type, title, status, detail, instance}` are the RFC's; `error` (the public code) and `message` are what study and
account front ends read, `retryable` and `fields` what a client can act on. No text of a foreign exception is sent.
"""

import logging
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from lectern.errors import (
    InvalidRequest,
    LecternError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from lectern.ops.logs import request_id
from lectern.web.reading import ReaderLeft, nobody_reads

logger = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[LecternError]] = {
    kind.status: kind for kind in (NotFound, MethodNotAllowed, PayloadTooLarge, UnsupportedMediaType)
}
_SHOWN_FIELDS = 5
NOT_JSON = "The body is not valid JSON."


PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "What every error is answered with: RFC 9457, and what front ends of this kind read",
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The status in words"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "One short sentence that may be shown"},
        "error": {"type": "string", "pattern": "^[a-z_]+$", "description": "The code; it never changes"},
        "message": {"type": "string", "description": "The same as `detail`"},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later"},
        "request_id": {"type": "string", "description": "The answer's `X-Request-ID`"},
        "fields": {
            "type": "array",
            "description": "What is wrong with which field, where that is the error",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "title", "status", "detail", "error", "message", "retryable", "request_id"],
    "additionalProperties": False,
}
"""What `problem_body` makes, as JSON Schema."""


class ProblemResponse(JSONResponse):
    """A problem body with its media type."""

    media_type = "application/problem+json"


def problem_body(error: LecternError) -> dict[str, Any]:
    """The JSON object for an error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "error": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "request_id": request_id.get(),
    }
    if error.fields:
        body["fields"] = [{"field": name, "message": text} for name, text in error.fields]
    return body


def problem_response(error: LecternError) -> ProblemResponse:
    """The response for an error."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return ProblemResponse(problem_body(error), status_code=error.status, headers=headers)


def invalid_request(faults: Sequence[Any]) -> InvalidRequest:
    """What pydantic found, as one short sentence and the first few fields."""
    if faults[0]["type"] == "json_invalid":
        return InvalidRequest(NOT_JSON)
    fields = tuple(
        (
            ".".join(str(part) for part in fault["loc"][1:] or fault["loc"]),
            str(fault["msg"]).removeprefix("Value error, "),
        )
        for fault in faults[:_SHOWN_FIELDS]
    )
    name, text = fields[0]
    return InvalidRequest(f"{name}: {text}"[:200], fields=fields)


def _methods(app: FastAPI, path: str) -> set[str]:
    """What an address takes."""
    routes = (route for route in iter_route_contexts(app.routes) if route.path_regex.match(path))
    return {method for route in routes for method in route.methods or ()}


def install(app: FastAPI) -> None:
    """Make every known error of the app, whoever raises it, a problem body; defects are `DefectMiddleware`'s."""

    async def lectern_error(_request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, LecternError)
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("%s: %s (%s)", error.code, error.message, type(error.__cause__).__name__)
        return problem_response(error)

    async def validation_error(_request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(invalid_request(error.errors()))

    async def http_error(request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, HTTPException)
        kind = _BY_STATUS.get(error.status_code)
        # The framework's remaining status is 400: a body that could not be decoded (bad UTF-8, endless nesting).
        response = problem_response(kind() if kind else InvalidRequest(NOT_JSON))
        response.headers.update(error.headers or {})
        if kind is MethodNotAllowed:
            # Of several routes of one address, the framework names the first one's methods only.
            response.headers["Allow"] = ", ".join(sorted(_methods(app, request.scope["path"])))
        return response

    app.add_exception_handler(LecternError, lectern_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ReaderLeft, nobody_reads)

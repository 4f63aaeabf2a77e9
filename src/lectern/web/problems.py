"""Errors as JSON, once: the body of RFC 9457 that also carries what existing front ends read.

`{type, title, status, detail, instance}` are the RFC's; `error` (the public code) and `message` are what study and
account front ends read, `retryable` and `fields` what a client can act on. No text of a foreign exception is sent.

Where other protocols are spoken, errors are told as theirs: which `Shape` an answer has is settled by its path, here,
for whatever refuses or fails.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Scope

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


def _no_headers(_error: LecternError) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How errors are told in one protocol.

    Attributes:
        name: Its schema's, in OpenAPI.
        schema: What `body` makes, as JSON Schema.
        media_type: The body's.
        body: The JSON object for an error, or the text of a protocol that has none.
        statuses: What this protocol answers instead of an error's own status, where that is another.
        headers: What only this protocol sends with an error.
    """

    name: str
    schema: dict[str, Any]
    media_type: str
    body: Callable[[LecternError], dict[str, Any] | str]
    statuses: Mapping[int, int] = field(default_factory=dict)
    headers: Callable[[LecternError], Mapping[str, str]] = _no_headers

    def status(self, error: LecternError | type[LecternError]) -> int:
        """The status that an error is answered with."""
        return int(self.statuses.get(error.status, error.status))


PROBLEM: Final = Shape("Problem", PROBLEM_SCHEMA, "application/problem+json", problem_body)
"""Lectern's own."""

Shapes = Mapping[str, Shape]
"""Paths, with all below them, whose errors have another shape than `PROBLEM`."""


def shape_for(path: str, shapes: Shapes) -> Shape:
    """How errors are told at an address."""
    return next((shape for top, shape in shapes.items() if path == top or path.startswith(f"{top}/")), PROBLEM)


def shape_of(scope: Scope) -> Shape:
    """How errors of this request are told, as `install` was said for its app."""
    return shape_for(scope["path"], getattr(scope["app"].state, "shapes", {})) if "app" in scope else PROBLEM


def problem_response(error: LecternError, shape: Shape = PROBLEM) -> Response:
    """The response for an error."""
    headers = dict(shape.headers(error))
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = shape.body(error)
    kind = Response if isinstance(body, str) else JSONResponse
    return kind(body, shape.status(error), headers, shape.media_type)


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


def install(app: FastAPI, shapes: Shapes) -> None:
    """Make every known error, whoever raises it, a body of its path's shape; defects are `DefectMiddleware`'s."""
    app.state.shapes = shapes

    async def lectern_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, LecternError)
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("%s: %s (%s)", error.code, error.message, type(error.__cause__).__name__)
        return problem_response(error, shape_of(request.scope))

    async def validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(invalid_request(error.errors()), shape_of(request.scope))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = _BY_STATUS.get(error.status_code)
        # The framework's remaining status is 400: a body that could not be decoded (bad UTF-8, endless nesting).
        response = problem_response(kind() if kind else InvalidRequest(NOT_JSON), shape_of(request.scope))
        response.headers.update(error.headers or {})
        if kind is MethodNotAllowed:
            # Of several routes of one address, the framework names the first one's methods only.
            response.headers["Allow"] = ", ".join(sorted(_methods(app, request.scope["path"])))
        return response

    app.add_exception_handler(LecternError, lectern_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ReaderLeft, nobody_reads)

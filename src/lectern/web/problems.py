"""Errors as JSON, once: the body of RFC 9457 that also carries what existing front ends read.

`{type, title, status, detail, instance}` are the RFC's; `error` (the public code) and `message` are what study and
account front ends read, `retryable` and `fields` what a client can act on. No text of a foreign exception is sent.
"""

import logging
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
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
        (".".join(str(part) for part in fault["loc"][1:] or fault["loc"]), str(fault["msg"]))
        for fault in faults[:_SHOWN_FIELDS]
    )
    name, text = fields[0]
    return InvalidRequest(f"{name}: {text}"[:200], fields=fields)


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

    async def http_error(_request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, HTTPException)
        kind = _BY_STATUS.get(error.status_code)
        # The framework's remaining status is 400: a body that could not be decoded (bad UTF-8, endless nesting).
        response = problem_response(kind() if kind else InvalidRequest(NOT_JSON))
        response.headers.update(error.headers or {})
        return response

    app.add_exception_handler(LecternError, lectern_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ReaderLeft, nobody_reads)

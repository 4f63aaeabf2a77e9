"""Every error below `/v1` as OpenAI's SDKs read it: their shape, and the statuses that make their exceptions."""

from http import HTTPStatus
from typing import Final

from lectern.errors import LecternError
from lectern.formats.openai_errors import ERROR_SCHEMA, error_body
from lectern.web.problems import Shape

_RETRIED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""What the SDKs send again by themselves, beside all from 500 on."""


def _advice(error: LecternError) -> dict[str, str]:
    """Tells the SDKs not to send again what fails again; they look at this header before the status."""
    sent_again = error.status in _RETRIED or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return {"X-Should-Retry": str(error.retryable).lower()} if sent_again else {}


OPENAI: Final = Shape(
    "OpenAIError",
    ERROR_SCHEMA,
    "application/json",
    error_body,
    statuses={HTTPStatus.UNPROCESSABLE_ENTITY: HTTPStatus.BAD_REQUEST},
    headers=_advice,
)

"""An error as OpenAI's API tells it, the same as a body and within a stream."""

from http import HTTPStatus
from typing import Any, Final

from lectern.errors import LecternError

ERROR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "OpenAIError",
    "description": "What every error below `/v1` is answered with",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string", "description": "One short sentence that may be shown"},
                "type": {"type": "string", "pattern": "^[a-z_]+_error$", "description": "The kind, by its status"},
                "param": {
                    "type": ["string", "null"],
                    "description": "The field that is wrong, if one is",
                },
                "code": {"type": "string", "pattern": "^[a-z_]+$", "description": "The code; it never changes"},
            },
            "required": ["message", "type", "code"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}
"""What `error_body` makes, as JSON Schema. `param` is always there, but not in examples, which lose what is null."""

_TYPES: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


def error_body(error: LecternError) -> dict[str, Any]:
    """The JSON object for an error: `{"error": {message, type, param, code}}`."""
    kind = "server_error" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(error.status, kind),
            "param": error.fields[0][0] if error.fields else None,
            "code": error.code,
        }
    }

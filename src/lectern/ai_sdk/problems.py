"""Every error below `/api/chat` as the AI SDK's clients read it: they show the whole body, so it is one sentence."""

from typing import Any, Final

from lectern.web.problems import Shape

_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "title": "ErrorText",
    "description": "One short sentence that may be shown",
    "minLength": 1,
}

AI_SDK: Final = Shape("ErrorText", _SCHEMA, "text/plain; charset=utf-8", lambda error: error.message)

"""Headers that whoever settles something early gives to the answer, whichever it will be, an error included."""

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

_ADDED = "answer_headers"
_REPLACED = "answer_headers_replaced"


def add(scope: Scope, name: str, value: str) -> None:
    """Give the answer to this request one more header."""
    scope.setdefault("state", {}).setdefault(_ADDED, []).append((name, value))


def replace(scope: Scope, name: str, value: str) -> None:
    """Give the answer to this request a header in place of what it says itself."""
    scope.setdefault("state", {}).setdefault(_REPLACED, {})[name] = value


def apply(scope: Scope, headers: MutableHeaders) -> None:
    """Put what was given into the answer's headers."""
    state = scope.get("state", {})
    for name, value in state.get(_REPLACED, {}).items():
        headers[name] = value
    for name, value in state.get(_ADDED, []):
        headers.append(name, value)

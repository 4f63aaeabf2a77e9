"""Headers that whoever settles something early gives to the answer, whichever it will be, an error included."""

from starlette.types import Scope

_KEY = "answer_headers"


def add(scope: Scope, name: str, value: str) -> None:
    """Give the answer to this request one more header."""
    scope.setdefault("state", {}).setdefault(_KEY, []).append((name, value))


def given(scope: Scope) -> list[tuple[str, str]]:
    """The headers that were given to the answer."""
    headers: list[tuple[str, str]] = scope.get("state", {}).get(_KEY, [])
    return headers

"""Better Auth's cookies: what they are called, and how the one of a session is signed (better-auth 1.6)."""

import base64
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from lectern.ports import MOST_CREDENTIAL_CHARACTERS

_SECURE: Final = "__Secure-"
"""What Better Auth puts before a cookie's name where its address is https."""

_TOKEN: Final = "better-auth.session_token"  # noqa: S105 - a name
_DATA: Final = "better-auth.session_data"
_SIGNED: Final = re.compile(r"([^.\s]{1,255})\.([A-Za-z0-9+/]{43}=)")
_PIECES: Final = 8
"""Longer ones than these pieces of 4 KB are longer than any credential that is looked at."""


def session_token(cookies: Mapping[str, str]) -> str | None:
    """The signed token of the session, as it came; None when there is none."""
    return cookies.get(_SECURE + _TOKEN) or cookies.get(_TOKEN)


def session_data(cookies: Mapping[str, str]) -> str | None:
    """What Better Auth keeps of the session in cookies for some minutes (`cookieCache`), in one piece."""
    for name in (_SECURE + _DATA, _DATA):
        if value := cookies.get(name):
            return value
        pieces = [cookies.get(f"{name}.{number}", "") for number in range(_PIECES)]
        if pieces[0]:
            return "".join(pieces)
    return None


def opened(value: str, secret: str) -> str | None:
    """The session's token, out of `<token>.<base64 of HMAC-SHA256(secret, token)>`, URL-encoded or not.

    None when it is another kind of value, or not signed with this secret.
    """
    if len(value) > MOST_CREDENTIAL_CHARACTERS or not (parts := _SIGNED.fullmatch(unquote(value))):
        return None
    token, signature = parts.groups()
    right = base64.b64encode(hmac.digest(secret.encode(), token.encode(), "sha256"))
    return token if hmac.compare_digest(right, signature.encode()) else None

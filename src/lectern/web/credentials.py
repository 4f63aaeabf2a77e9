"""What a request carries to show who asks: a bearer token, or cookies. Nothing is believed here, only read. No I/O."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers

from lectern.errors import Unauthorized
from lectern.ports import MOST_CREDENTIAL_CHARACTERS

OWN_HEADER: Final = "x-lectern-authorization"
"""For Lectern alone, where `Authorization` is somebody else's: on a private Space it carries the Hub's token."""

_HUB_PREFIX: Final = "hf_"
"""What the Hub's tokens begin with (https://huggingface.co/docs/hub/security-tokens)."""

_BEARER = re.compile(r"bearer(?: +|$)", re.IGNORECASE)
_TOKEN = re.compile(rf"[!-~]{{1,{MOST_CREDENTIAL_CHARACTERS}}}")


def bearer_token(headers: Headers, *, on_space: bool) -> str | None:
    """The token of the request's bearer header, or None when it carries none that is meant for Lectern.

    `X-Lectern-Authorization` goes before `Authorization`, which is not looked at then. Another scheme in the latter
    (the password of a proxy in front, say) is not for Lectern; nor is the Hub's token on a Space.

    Args:
        headers: The request's.
        on_space: Whether this is a Space.

    Raises:
        Unauthorized: There are two such headers, or one whose token no source could have given out: empty, too long,
            or of other characters than ASCII's visible ones.
    """
    own = headers.getlist(OWN_HEADER)
    values = own or headers.getlist("authorization")
    if not values:
        return None
    if len(values) > 1:
        raise Unauthorized
    scheme = _BEARER.match(values[0])
    if scheme is None:
        if own and own != [""]:
            raise Unauthorized
        return None
    token = values[0][scheme.end() :].rstrip(" ")
    if on_space and not own and token.startswith(_HUB_PREFIX):
        return None
    if not _TOKEN.fullmatch(token):
        raise Unauthorized
    return token


def of_sensible_size(cookies: Mapping[str, str]) -> dict[str, str]:
    """The cookies without those that are too long to be anybody's credentials."""
    return {name: value for name, value in cookies.items() if len(value) <= MOST_CREDENTIAL_CHARACTERS}

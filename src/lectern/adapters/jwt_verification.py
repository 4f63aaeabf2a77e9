"""Whether a JSON Web Token is what its server signed, and for us (RFC 7519, RFC 8725).

The key decides the algorithm, never the token: its header must name the one that its key is for. What PyJWT says about
a token it refuses stays here.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt

from lectern import key_set
from lectern.errors import Unauthorized
from lectern.key_set import Jwk, RefusedKeys

LEEWAY_SECONDS: Final = 30
"""How far the two machines' clocks may be apart; a token of Better Auth's lives for 900 s."""

SHARED: Final = "HS256"
"""The algorithm of tokens that both sides make and check with one secret."""

_LEAST_RSA_BITS: Final = 2048
"""RFC 7518, 3.3."""

# What PyJWT raises, and what Python does for a number or a text that no token has (`"exp": 1e999`).
_REFUSALS = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)


class VerifyingKeys:
    """Public keys, ready to check signatures.

    Args:
        keys: As they are written; those of no use are left out.

    Raises:
        RefusedKeys: None can be used.
    """

    def __init__(self, keys: Sequence[Jwk]) -> None:
        ready = [(key, made) for key in key_set.usable(list(keys)) if (made := _made(key))]
        if not ready:
            raise RefusedKeys("no key that can be read")
        self.jwks = [key for key, _ in ready]
        self._made = [(key.get("kid"), made.algorithm_name, made) for key, made in ready]

    def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that name and algorithm; for a token that names none, the only one of its algorithm."""
        same = [(name, made) for name, its, made in self._made if its == algorithm]
        if kid is None:
            return same[0][1] if len(same) == 1 else None
        return next((made for name, made in same if name == kid), None)

    def __len__(self) -> int:
        return len(self._made)


def header_of(token: str) -> Mapping[str, Any] | None:
    """What a token says of itself, which nobody has signed for yet; None when it is no signed JSON Web Token."""
    head, _, rest = token.partition(".")
    if rest.count(".") != 1:
        return None
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def check_signed(token: str, key: jwt.PyJWK, *, issuer: str, audience: str) -> Mapping[str, Any]:
    """The claims of a token that its server signed with a private key.

    Args:
        token: As it came; its header names the key's algorithm.
        key: The public key.
        issuer: Who must have made it.
        audience: Whom it must be for.

    Raises:
        Unauthorized: It is forged, expired, of somebody else, or for somebody else.
    """
    options: Any = {"require": ["exp", "iss", "aud"]}
    try:
        return jwt.decode(
            token,
            key=key,
            algorithms=[key.algorithm_name],
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options=options,
        )
    except _REFUSALS:
        raise Unauthorized from None


def check_shared(token: str, secret: str) -> Mapping[str, Any]:
    """The claims of a token that was signed with a secret of both sides; it names neither issuer nor audience.

    Raises:
        Unauthorized: It is forged or expired, or never expires.
    """
    options: Any = {"require": ["exp"], "verify_aud": False, "verify_iss": False}
    try:
        return jwt.decode(token, key=secret, algorithms=[SHARED], leeway=LEEWAY_SECONDS, options=options)
    except _REFUSALS:
        raise Unauthorized from None


def _made(key: Jwk) -> jwt.PyJWK | None:
    """The key, ready for use; None when it is none. Its error would repeat it."""
    try:
        made = jwt.PyJWK(dict(key), key_set.algorithm_of(key))
    except _REFUSALS:
        return None
    bits: int = getattr(made.key, "key_size", _LEAST_RSA_BITS) if key["kty"] == "RSA" else _LEAST_RSA_BITS
    return made if bits >= _LEAST_RSA_BITS else None

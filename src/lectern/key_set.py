"""The public keys of a login server as they are written (a JWK set, RFC 7517), read and judged by one set of rules.

They come from the server, from the disk, or from an operator's variable: the same is taken and refused each time. What
is refused is never repeated in a message, as it may be a private key.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

ALGORITHMS: Final = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256"), "RS256": ("RSA", None)}
"""What tokens may be signed with, and the kind and curve of each one's keys (RFC 7518, 3.1; RFC 8037, 3.1)."""

MOST_BYTES: Final = 65_536
"""Longest set; one key is 100 to 800 bytes."""

MOST_KEYS: Final = 50
"""A server that makes one a day and keeps each for a month has 30."""

_CURVES: Final = {"Ed25519": "EdDSA", "P-256": "ES256", "P-521": "ES512"}
_SECRET: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
"""Members of private and of symmetric keys (RFC 7518, 6.2.2, 6.3.2, 6.4.1)."""

Jwk = Mapping[str, Any]


class RefusedKeys(ValueError):
    """A set of keys that is not taken; the message says why and repeats nothing of it."""


def read(text: bytes | str) -> list[Jwk]:
    """The keys of a set, whatever they are for.

    Raises:
        RefusedKeys: It is no set of keys, or too large a one, or not all of its keys are public.
    """
    if len(text) > MOST_BYTES:
        raise RefusedKeys(f"more than {MOST_BYTES} bytes")
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise RefusedKeys("no set of keys") from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise RefusedKeys("no set of keys")
    if len(keys) > MOST_KEYS:
        raise RefusedKeys(f"more than {MOST_KEYS} keys")
    if any(is_secret(key) for key in keys):
        raise RefusedKeys("a private key among the keys")
    return keys


def usable(keys: list[Jwk]) -> list[Jwk]:
    """Those that a token may be signed with.

    Raises:
        RefusedKeys: None is.
    """
    found = [key for key in keys if is_usable(key)]
    if not found:
        raise RefusedKeys(f"no key for {', '.join(ALGORITHMS)}")
    return found


def algorithm_of(key: Jwk) -> str:
    """What a key signs with: as it says, else by its kind; `unknown` for others."""
    said = key.get("alg")
    if isinstance(said, str) and said.isalnum():
        return said[:16]
    if key.get("kty") == "RSA":
        return "RS256"
    return _CURVES.get(str(key.get("crv")), "unknown")


def is_secret(key: Jwk) -> bool:
    """Whether whoever knows the key can sign with it."""
    return key.get("kty") == "oct" or not _SECRET.isdisjoint(key)


def is_usable(key: Jwk) -> bool:
    """Whether it is a key for signatures, by one of our algorithms, and of that algorithm's kind."""
    shape = ALGORITHMS.get(algorithm_of(key))
    uses = key.get("key_ops", ["verify"])
    return (
        shape == (key.get("kty"), key.get("crv"))
        and key.get("use", "sig") in ("sig", None)
        and isinstance(uses, list)
        and "verify" in uses
    )

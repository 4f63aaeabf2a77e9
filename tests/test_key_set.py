"""Which sets of keys are taken, which of their keys are of use, and that what is refused is not repeated."""

import json
from typing import Any

import pytest

from lectern import key_set
from lectern.key_set import MOST_BYTES, MOST_KEYS, RefusedKeys

ED = {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"}
EC = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256"}
RSA = {"kty": "RSA", "n": "AA", "e": "AQAB"}
SECRET = "c2VjcmV0"


def test_public_keys_are_taken_as_they_are() -> None:
    """As text and as bytes, with whatever else the set holds."""
    text = json.dumps({"keys": [ED, EC, RSA], "more": 1})
    assert key_set.read(text) == key_set.read(text.encode()) == [ED, EC, RSA]


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_spoils_the_set(member: str) -> None:
    """Whoever reads it can sign as the server."""
    with pytest.raises(RefusedKeys, match="a private key") as caught:
        key_set.read(json.dumps({"keys": [ED, {**EC, member: SECRET}]}))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no set"),
        ("<html>", "no set"),
        ("[]", "no set"),
        ("{}", "no set"),
        ('{"keys": {}}', "no set"),
        ('{"keys": null}', "no set"),
        ('{"keys": ["a"]}', "no set"),
        (b"\xff\xfe\x00", "no set"),
        ("[" * 50_000, "no set"),
        (json.dumps({"keys": [{"kty": "oct"}]}), "a private key"),
        (json.dumps({"keys": [ED] * (MOST_KEYS + 1)}), f"more than {MOST_KEYS} keys"),
        (json.dumps({"keys": [ED], "more": "x" * MOST_BYTES}), f"more than {MOST_BYTES} bytes"),
    ],
)
def test_what_is_no_set_is_refused(text: str | bytes, why: str) -> None:
    """With the reason."""
    with pytest.raises(RefusedKeys, match=why):
        key_set.read(text)


@pytest.mark.parametrize(
    "key", [ED, EC, RSA, {**ED, "use": "sig"}, {**EC, "use": None}, {**RSA, "key_ops": ["verify"]}]
)
def test_a_key_for_signatures_is_of_use(key: dict[str, Any]) -> None:
    """Of each kind, with or without its purpose."""
    assert key_set.usable([key, {"kty": "?"}]) == [key]


@pytest.mark.parametrize(
    "key",
    [
        {},
        {**EC, "alg": "RS256"},
        {**RSA, "alg": "ES256"},
        {**ED, "alg": "HS256"},
        {**ED, "alg": "none"},
        {**RSA, "alg": "PS256"},
        {**RSA, "crv": "P-256"},
        {**EC, "crv": "P-521", "alg": None},
        {**ED, "crv": "X25519"},
        {**ED, "crv": "Ed448", "alg": "EdDSA"},
        {**ED, "use": "enc"},
        {**ED, "use": ["sig"]},
        {**ED, "key_ops": ["encrypt"]},
        {**ED, "key_ops": "verify"},
        {**ED, "alg": ["EdDSA"], "kty": ["OKP"]},
    ],
    ids=str,
)
def test_another_key_is_of_no_use(key: dict[str, Any]) -> None:
    """A name of an algorithm does not make a key one of its kind."""
    with pytest.raises(RefusedKeys, match="no key for EdDSA, ES256, RS256"):
        key_set.usable([key])

"""Keys as they are written become keys that check; those that are none are left out."""

from typing import Any

import pytest
from tests.adapters.signing import signer

from lectern.adapters.jwt_verification import VerifyingKeys, header_of
from lectern.key_set import RefusedKeys

ED, EC = signer("EdDSA", kid="ed"), signer("ES256", kid="ec")


def test_a_key_is_found_by_name_and_algorithm() -> None:
    """Either alone is not enough."""
    keys = VerifyingKeys([ED.jwk, EC.jwk])
    assert len(keys) == 2
    found = keys.find("ed", "EdDSA")
    assert found is not None
    assert found.algorithm_name == "EdDSA"
    assert keys.find("ed", "ES256") is keys.find("other", "EdDSA") is None


def test_the_algorithm_follows_from_the_key_where_it_is_not_named() -> None:
    """As Better Auth before 1.3 showed them."""
    keys = VerifyingKeys([{name: held for name, held in EC.jwk.items() if name != "alg"}])
    assert keys.find("ec", "ES256") is not None


@pytest.mark.parametrize(
    "key",
    [
        {**ED.jwk, "x": "AA"},
        {**ED.jwk, "x": 7},
        {**EC.jwk, "y": EC.jwk["x"]},
        {**EC.jwk, "x": ""},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "e": "AQAB"},
        signer("RS256", bits=1024).jwk,
    ],
    ids=["short", "number", "not on the curve", "empty", "tiny", "half", "1024 bits"],
)
def test_a_key_that_is_none_is_left_out(key: dict[str, Any]) -> None:
    """The others are used; where there is no other, there are no keys, and the reason does not repeat it."""
    assert len(VerifyingKeys([key, ED.jwk])) == 1
    with pytest.raises(RefusedKeys, match="no key that can be read") as caught:
        VerifyingKeys([key])
    assert caught.value.__context__ is None


@pytest.mark.parametrize("token", ["", "a.b.c", "W10.b.c", "e30.b", "e30.b.c.d", "é.b.c"])
def test_what_has_no_header_is_no_token(token: str) -> None:
    """Neither is what has one, and other parts than three."""
    assert header_of(token) is None


def test_a_header_is_read_before_anything_is_believed() -> None:
    """Whatever stands behind it."""
    assert header_of("e30..") == {}
    assert header_of(ED.token()) == {"alg": "EdDSA", "kid": "ed", "typ": "JWT"}

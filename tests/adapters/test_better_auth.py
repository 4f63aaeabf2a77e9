"""Who a token or a cookie of Better Auth's belongs to, and everything that makes it nobody's."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from tests.adapters.signing import (
    EMAIL,
    ISSUER,
    NAME,
    PERSONAL,
    SECRET,
    SUBJECT,
    Signer,
    by_hand,
    claims,
    hmac_by_hand,
    session_cookie,
    shared,
    signer,
    unpadded,
)

from lectern.adapters.better_auth import BetterAuth, SignedTokens
from lectern.adapters.jwks import PinnedKeys
from lectern.adapters.jwt_verification import VerifyingKeys
from lectern.errors import Unauthorized
from lectern.ports import MOST_CREDENTIAL_CHARACTERS
from lectern.principal import MOST_SUBJECT_CHARACTERS, Principal

ADA = Principal("user", SUBJECT, NAME, EMAIL)
ED, EC, RSA = signer("EdDSA"), signer("ES256"), signer("RS256")
DATA = "better-auth.session_data"


def server(*signers: Signer, secret: str | None = None) -> BetterAuth:
    """A source with these keys, pinned."""
    keys = PinnedKeys(VerifyingKeys([made.jwk for made in signers])) if signers else None
    return BetterAuth(signed=SignedTokens(keys, ISSUER, ISSUER) if keys else None, secret=secret)


@pytest.mark.parametrize("made", [ED, EC, RSA], ids=lambda made: made.algorithm)
async def test_a_token_tells_who_it_is(made: Signer) -> None:
    """By each algorithm, among keys of all three."""
    assert await server(ED, EC, RSA).by_token(made.token()) == ADA


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"sub": None, "id": "from-id"}, Principal("user", "from-id", NAME, EMAIL)),
        ({"name": None, "email": None}, Principal("user", SUBJECT)),
        ({"name": 7, "email": ["x"]}, Principal("user", SUBJECT)),
        ({"aud": ["another", ISSUER]}, ADA),
        ({"sub": "x" * MOST_SUBJECT_CHARACTERS}, Principal("user", "x" * MOST_SUBJECT_CHARACTERS, NAME, EMAIL)),
    ],
)
async def test_what_a_token_may_look_like(changed: dict[str, Any], found: Principal) -> None:
    """`id` stands in for `sub`, and one audience of several is enough."""
    assert await server(ED).by_token(ED.token(**changed)) == found


async def test_clocks_may_differ_by_seconds() -> None:
    """A token that has just expired is still taken."""
    assert await server(ED).by_token(ED.token(exp=int(time.time()) - 10)) == ADA


WRONG: list[dict[str, Any]] = [
    {"exp": int(time.time()) - 3600},
    {"exp": None},
    {"exp": "soon"},
    {"exp": float("inf")},
    {"nbf": int(time.time()) + 3600},
    {"iat": int(time.time()) + 3600},
    {"iss": None},
    {"iss": "https://other.example.org"},
    {"aud": None},
    {"aud": "https://other.example.org"},
    {"aud": []},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": True},
    {"sub": {"id": 7}},
    {"sub": "two\nlines"},
    {"sub": "nul\x00"},
    {"sub": "x" * (MOST_SUBJECT_CHARACTERS + 1)},
]


@pytest.mark.parametrize("changed", WRONG, ids=",".join)  # not by values, some of which are the time
async def test_a_token_that_is_not_right_is_refused(changed: dict[str, Any]) -> None:
    """Expired, without end, too early, of or for somebody else, of nobody: the right key does not help."""
    with pytest.raises(Unauthorized):
        await server(ED).by_token(ED.token(**changed))


def _public_pem(made: Signer) -> bytes:
    return bytes(
        made.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _raw(made: Signer) -> bytes:
    return bytes(made.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _signed(header: dict[str, Any]) -> str:
    """A rightly signed token with a header that no library would write."""
    text = by_hand(header, claims()).rpartition(".")[0]
    return f"{text}.{unpadded(ED.private.sign(text.encode()))}"


FORGED = {
    "another's key under the same name": signer("EdDSA", kid=ED.kid).token(),
    "an unknown key": signer("EdDSA").token(),
    "another key's algorithm": signer("ES256", kid=ED.kid).token(),
    "the algorithm of another key": RSA.token({"kid": EC.kid}),
    "PS256 with an RSA key": jwt.encode(claims(), RSA.private, "PS256", {"kid": RSA.kid}),
    "RS512 with an RSA key": jwt.encode(claims(), RSA.private, "RS512", {"kid": RSA.kid}),
    "none": by_hand({"alg": "none", "kid": ED.kid}, claims()),
    "None": by_hand({"alg": "None", "kid": ED.kid}, claims()),
    "a number for a key's name": by_hand({"alg": "EdDSA", "kid": 7}, claims()),
    "no algorithm": by_hand({"kid": ED.kid}, claims()),
    "a list for an algorithm": by_hand({"alg": ["EdDSA"], "kid": ED.kid}, claims()),
    "HS256 with the public key as PEM": hmac_by_hand({"alg": "HS256", "kid": RSA.kid}, claims(), _public_pem(RSA)),
    "HS256 with the public key's bytes": hmac_by_hand({"alg": "HS256", "kid": ED.kid}, claims(), _raw(ED)),
    "HS256 with nothing": hmac_by_hand({"alg": "HS256"}, claims(), b""),
    "HS512": jwt.encode(claims(), SECRET * 2, "HS512"),
    "a key of its own": ED.token({"kid": "mine", "jwk": signer("EdDSA", kid="mine").jwk}),
    "an address of keys": signer("EdDSA", kid="mine").token({"jku": "https://evil.example/jwks"}),
    "crit": ED.token({"crit": ["exp"]}),
    "b64": _signed({"alg": "EdDSA", "kid": ED.kid, "b64": True}),
    "no signature": by_hand({"alg": "EdDSA", "kid": ED.kid}, claims()),
    "cut": ED.token()[:-9],
    "another body": ".".join(
        [ED.token().split(".")[0], unpadded(b'{"sub":"admin"}'), ED.token().split(".")[2]],
    ),
    "too long": ED.token(filler="x" * MOST_CREDENTIAL_CHARACTERS),
    "long, and no token": "x" * (MOST_CREDENTIAL_CHARACTERS + 1),
    "a body that is no object": by_hand({"alg": "EdDSA", "kid": ED.kid}, [], b"x" * 64),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("secret", [None, SECRET])
async def test_a_forged_token_is_refused(token: str, secret: str | None) -> None:
    """Whatever it says of itself, with and without a secret beside the keys."""
    with pytest.raises(Unauthorized):
        await server(ED, EC, RSA, secret=secret).by_token(token)


@pytest.mark.parametrize("token", ["", "word", "a.b", "a.b.c", "..", "é.é.é", "a" * 40 + "." + "b" * 43 + "=", "{}"])
async def test_what_is_no_json_web_token_is_another_kind(token: str) -> None:
    """Somebody else may know it."""
    assert await server(ED, secret=SECRET).by_token(token) is None


async def test_a_token_without_a_key_s_name_goes_with_the_only_one() -> None:
    """Of two keys of its algorithm none is guessed."""
    unnamed = jwt.encode(claims(), ED.private, "EdDSA")
    assert await server(ED, EC).by_token(unnamed) == ADA
    with pytest.raises(Unauthorized):
        await server(ED, signer("EdDSA")).by_token(unnamed)


@pytest.mark.parametrize(
    ("held", "subject"),
    [
        ({"sub": "a", "user_id": "b", "id": "c"}, "a"),
        ({"user_id": "b", "id": "c"}, "b"),
        ({"user_id": 42}, "42"),
        ({"id": "c"}, "c"),
        ({"sub": "a", "iss": "anybody", "aud": "anybody"}, "a"),
    ],
)
async def test_a_token_of_the_secret_tells_who_it_is(held: dict[str, Any], subject: str) -> None:
    """By the first of three claims; it needs no issuer and no audience, as only two know the secret."""
    assert await server(secret=SECRET).by_token(shared(**held)) == Principal("user", subject)
    assert await server(ED, secret=SECRET).by_token(shared(**held)) == Principal("user", subject)


@pytest.mark.parametrize(
    "token",
    [
        shared(SECRET + "x", sub="a"),
        shared(sub="a", exp=None),
        shared(sub="a", exp=int(time.time()) - 3600),
        shared(email="a@example.org"),
        shared(user_id=True),
        shared(sub=7),
        shared(session={"token": "t"}, user={"id": "a"}),
        jwt.encode({"sub": "a", "exp": int(time.time()) + 900}, SECRET * 2, "HS384"),
    ],
)
async def test_a_token_of_another_secret_is_refused(token: str) -> None:
    """Also one without an end or a user, and the cache of a cookie, which is for cookies."""
    with pytest.raises(Unauthorized):
        await server(secret=SECRET).by_token(token)


async def test_what_is_not_configured_is_not_taken() -> None:
    """Without a secret no HS256, without keys nothing else."""
    with pytest.raises(Unauthorized):
        await server(ED).by_token(shared(sub="a"))
    with pytest.raises(Unauthorized):
        await server(secret=SECRET).by_token(ED.token())
    assert await server(ED).by_cookies({DATA: _data()}) is None


def _data(*, secret: str = SECRET, ends: timedelta = timedelta(days=7), **changed: Any) -> str:
    """Better Auth's cache of a session, as its cookie holds it."""
    moment = (datetime.now(UTC) + ends).isoformat().replace("+00:00", "Z")
    session = {"token": "t", "userId": SUBJECT, "expiresAt": moment}
    user = {"id": SUBJECT, "name": NAME, "email": EMAIL}
    return shared(secret, **{"session": session, "user": user, "version": "1"} | changed)


async def test_a_cached_session_tells_who_it_is() -> None:
    """Under both of the cookie's names, in one piece or several."""
    source, value = server(secret=SECRET), _data()
    assert await source.by_cookies({DATA: value, "other": "x"}) == ADA
    assert await source.by_cookies({f"__Secure-{DATA}": value}) == ADA
    assert await source.by_cookies({f"{DATA}.1": value[50:], f"{DATA}.0": value[:50]}) == ADA


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        _data(secret=SECRET + "x"),
        _data(exp=int(time.time()) - 3600),
        _data(ends=timedelta(seconds=-1)),
        _data(session="t"),
        _data(session={"token": "t"}),
        _data(session={"token": "t", "expiresAt": "never"}),
        _data(user=None),
        _data(user={"id": ""}),
        _data(filler="x" * MOST_CREDENTIAL_CHARACTERS),
        ED.token(),
        shared(sub=SUBJECT),
    ],
)
async def test_a_cached_session_that_is_not_right_is_nobody_s(value: str) -> None:
    """A cookie cannot be corrected by who carries it, so it is as none."""
    assert await server(ED, secret=SECRET).by_cookies({DATA: value}) is None


async def test_a_session_that_cannot_be_looked_up_is_nobody_s() -> None:
    """A signed token alone says whose nobody, where there is no database to ask."""
    source = server(secret=SECRET)
    assert await source.by_cookies({"better-auth.session_token": session_cookie("t")}) is None
    assert await source.by_token(session_cookie("t")) is None


async def test_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Over everything that is refused, at the most talkative level."""
    caplog.set_level("DEBUG")
    source = server(ED, EC, RSA, secret=SECRET)
    tokens = [*FORGED.values(), *(ED.token(**changed) for changed in WRONG), shared("x" * 40, sub=SUBJECT, email=EMAIL)]
    for token in tokens:
        with pytest.raises(Unauthorized) as caught:
            await source.by_token(token)
        assert token not in str(caught.value)
        assert caught.value.__cause__ is None
        assert await source.by_cookies({DATA: token, "better-auth.session_token": token}) is None
    assert not any(held in caplog.text for held in (*PERSONAL, SECRET, *(token[-20:] for token in tokens)))


async def test_it_says_what_it_takes() -> None:
    """In one part, without a secret."""
    part = server(ED, EC, secret=SECRET).describe()
    assert (part.name, part.kind, part.state, part.note) == ("login", "Better Auth", "ok", "2 keys, pinned; its secret")
    await server(ED).warm()
    await server(ED).close()
    await server(secret=SECRET).warm()
    await server(secret=SECRET).close()

"""What a Better Auth server shows of its keys, and what is wrong with it. Over real HTTP."""

import json
from typing import Any

import pytest
from tests.web_server import Answer, running_web

from lectern.adapters.examine_jwks import examine_jwks, examine_pinned
from lectern.adapters.jwks import jwks_url

ED = {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"}
EC = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256"}
RSA = {"kty": "RSA", "n": "AA", "e": "AQAB"}
KEYS = "GET /api/auth/jwks"


@pytest.mark.parametrize(
    ("keys", "state", "found", "fix"),
    [
        ([ED], "ok", "1 key at", ""),
        ([ED, EC, RSA, ED], "ok", "4 keys at 127.0.0.1:PORT/api/auth/jwks: ES256, EdDSA (2), RS256", ""),
        ([{**EC, "crv": "P-521", "alg": "ES512"}], "warn", "ES512", "keyPairConfig"),
        ([{"kty": "OKP", "crv": "X25519", "x": "AA"}], "warn", "unknown", "keyPairConfig"),
        ([{**ED, "d": "c2VjcmV0"}], "fail", "publishes a private key", "Take it down"),
        ([{"kty": "oct", "k": "c2VjcmV0"}], "fail", "publishes a private key", "Take it down"),
        ([], "fail", "no key", "Sign somebody in"),
    ],
)
async def test_the_algorithms_are_told(keys: list[dict[str, Any]], state: str, found: str, fix: str) -> None:
    """By what each key says, else by its kind; a secret one is never shown."""
    with running_web({KEYS: Answer(200, {"keys": keys})}) as web:
        [finding] = await examine_jwks(web.url, tls=None)
    assert finding.state == state
    assert found.replace("PORT", str(web.port)) in finding.found
    assert fix in finding.fix
    assert "c2VjcmV0" not in finding.found + finding.fix


@pytest.mark.parametrize(
    ("answer", "found", "fix"),
    [
        (Answer(404), "status 404", "add jwt() to the plugins"),
        (Answer(401), "status 401", "Deployment Protection"),
        (Answer(500), "status 500", "look at its log"),
        (Answer(418), "status 418", "Correct BETTER_AUTH_URL"),
        (Answer(200, b"<html>"), "no set of keys", "no Better Auth server"),
        (Answer(200, ["keys"]), "no set of keys", "no Better Auth server"),
        (
            Answer(308, b"", {"Location": "https://user:pw@www.example.org/api/auth/jwks?t=secret"}),
            "status 308",
            "redirects to www.example.org: write",
        ),
    ],
)
async def test_each_fault_has_its_fix(answer: Answer, found: str, fix: str) -> None:
    """What was answered, and what to do about it."""
    with running_web({KEYS: answer}) as web:
        [finding] = await examine_jwks(web.url, tls=None)
    assert finding.state == "fail"
    assert found in finding.found
    assert fix in finding.fix
    assert "secret" not in finding.found
    assert "pw@" not in finding.fix


async def test_nobody_there_is_named() -> None:
    """The finding points at the one on the way there."""
    [finding] = await examine_jwks("http://127.0.0.1:9", tls=None)
    assert (finding.state, "reaching it" in finding.fix) == ("fail", True)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://x.example", "https://x.example/api/auth/jwks"),
        ("https://x.example/", "https://x.example/api/auth/jwks"),
        ("https://x.example/api/auth", "https://x.example/api/auth/jwks"),
        ("https://x.example/login/", "https://x.example/login/jwks"),
    ],
)
def test_an_address_with_a_base_path_keeps_it(base: str, url: str) -> None:
    """Better Auth's own base path is added where there is none."""
    assert jwks_url(base) == url


def test_pinned_keys_are_looked_at_too() -> None:
    """As those that a server shows."""
    [finding] = examine_pinned(json.dumps({"keys": [ED, EC]}))
    assert (finding.state, finding.found) == ("ok", "2 keys at BETTER_AUTH_JWKS: ES256, EdDSA")

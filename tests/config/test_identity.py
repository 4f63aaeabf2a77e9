"""What is told of the site's login server: which secret is one, and which keys may be pinned."""

import json
from typing import Any

import pytest
from tests.adapters.signing import signer

from lectern.config import ConfigError, Settings

PINNED = json.dumps({"keys": [signer().jwk]})
URL = {"BETTER_AUTH_URL": "https://login.example.org"}


def load(monkeypatch: pytest.MonkeyPatch, **env: str) -> Settings:
    """The settings of an environment."""
    for name, held in env.items():
        monkeypatch.setenv(name, held)
    return Settings.load()


@pytest.mark.parametrize("secret", ["x" * 31, "better-auth-secret-12345678901234567890"])
def test_a_secret_that_is_guessed_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Too short, or the one of Better Auth's source; with it anybody could sign in as anybody."""
    with pytest.raises(ConfigError, match="BETTER_AUTH_SECRET held a secret value; it wants: 32 characters") as caught:
        load(monkeypatch, BETTER_AUTH_SECRET=secret)
    assert secret not in str(caught.value)


def test_a_secret_that_is_none_else_s_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 32 characters, shown nowhere."""
    settings = load(monkeypatch, BETTER_AUTH_SECRET="x" * 32)
    assert settings.better_auth_secret is not None
    assert "xxx" not in repr(settings)


@pytest.mark.parametrize(
    "env", [URL, {"BETTER_AUTH_ISSUER": "a", "BETTER_AUTH_AUDIENCE": "b"}, {**URL, "BETTER_AUTH_ISSUER": "a"}]
)
def test_keys_may_be_pinned(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    """Beside whatever says whom tokens are from and for."""
    assert load(monkeypatch, BETTER_AUTH_JWKS=PINNED, **env).better_auth_jwks == PINNED


@pytest.mark.parametrize("env", [{}, {"BETTER_AUTH_ISSUER": "a"}, {"BETTER_AUTH_AUDIENCE": "b"}])
def test_pinned_keys_alone_are_not_enough(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    """Any token that such a key signed would do, for whomever it was made."""
    with pytest.raises(ConfigError, match=r"BETTER_AUTH_JWKS held .* it wants: BETTER_AUTH_URL beside it"):
        load(monkeypatch, BETTER_AUTH_JWKS=PINNED, **env)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("https://login.example.org/api/auth/jwks", "no set of keys"),
        ({"keys": []}, "no key for EdDSA, ES256, RS256"),
        ({"keys": [{**signer().jwk, "d": "c2VjcmV0LXByaXZhdGU"}]}, "a private key"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0LXByaXZhdGU"}]}, "a private key"),
    ],
)
def test_what_is_no_public_key_is_not_pinned(monkeypatch: pytest.MonkeyPatch, held: Any, why: str) -> None:
    """The message says why and shows no key; other wrong variables are named with it."""
    text = held if isinstance(held, str) else json.dumps(held)
    with pytest.raises(ConfigError, match=f"there is {why}") as caught:
        load(monkeypatch, BETTER_AUTH_JWKS=text, BETTER_AUTH_SECRET="short", **URL)
    assert "c2VjcmV0LXByaXZhdGU" not in str(caught.value)
    assert "BETTER_AUTH_SECRET" in str(caught.value)

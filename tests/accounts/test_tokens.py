"""Tokens of logins: ours, unchanged, in time, or nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from lectern.accounts.tokens import Tokens
from lectern.keyring import Keyring
from lectern.ports import MOST_CREDENTIAL_CHARACTERS, Login

NOW = datetime.now(UTC).replace(microsecond=0)
LOGIN = Login(str(uuid4()), str(uuid4()), NOW, NOW + timedelta(hours=1))


def test_a_token_comes_back_as_its_login() -> None:
    """Every field survives; a header and a cookie can carry it."""
    token = Tokens(Keyring([b"one"])).write(LOGIN)
    assert Tokens(Keyring([b"one"])).read(token) == LOGIN
    assert token.startswith("lectern_")
    assert token.replace("_", "").replace("-", "").replace(".", "").isalnum()
    assert len(token) < 250 < MOST_CREDENTIAL_CHARACTERS


def test_an_older_secret_is_still_known() -> None:
    """A change of the secret signs nobody out while the old one is listed, and everybody when it is not."""
    token = Tokens(Keyring([b"old"])).write(LOGIN)
    assert Tokens(Keyring([b"new", b"old"])).read(token) == LOGIN
    assert Tokens(Keyring([b"new"])).read(token) is None
    newest = Tokens(Keyring([b"new", b"old"])).write(LOGIN)
    assert Tokens(Keyring([b"new"])).read(newest) == LOGIN


def test_an_expired_token_is_none() -> None:
    """Its own signature does not help it."""
    tokens = Tokens(Keyring([b"one"]))
    assert tokens.read(tokens.write(replace(LOGIN, expires_at=NOW - timedelta(seconds=1)))) is None


@pytest.mark.parametrize("position", range(0, 200, 3))
def test_a_changed_token_is_none(position: int) -> None:
    """Whichever character is another one, or missing."""
    token = Tokens(Keyring([b"one"])).write(LOGIN)
    place = 8 + position % (len(token) - 9)  # the last character of base64 has bits that say nothing
    other = "A" if token[place] != "A" else "B"
    assert Tokens(Keyring([b"one"])).read(token[:place] + other + token[place + 1 :]) is None
    assert Tokens(Keyring([b"one"])).read(token[:place] + token[place + 1 :]) is None


@pytest.mark.parametrize(
    "token", ["", "lectern_", "lectern_.", "lectern_..", "lectern_x.y", "lectern_" + "x" * 16_384, "lectern_é.\x00"]
)
def test_nonsense_is_none(token: str) -> None:
    """What was never a token raises nothing."""
    assert Tokens(Keyring([b"one"])).read(token) is None

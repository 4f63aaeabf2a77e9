"""From settings to who may tell who somebody is."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.signing import EMAIL, ISSUER, NAME, SECRET, SUBJECT, session_cookie, shared, signer
from tests.scripted import FailingDatabase

from lectern.config import Settings
from lectern.errors import StoreUnavailable, Unauthorized
from lectern.ports import IdentitySource
from lectern.principal import Principal
from lectern.wiring.identities import build_identities

KEY = signer()
PINNED = json.dumps({"keys": [KEY.jwk]})
ADA = Principal("user", SUBJECT, NAME, EMAIL)


def built(tmp_path: Path, **settings: Any) -> IdentitySource:
    """The one source that these settings make."""
    [source] = build_identities(Settings(_env_file=None, data_dir=tmp_path, **settings), FailingDatabase())
    return source


def test_nothing_configured_is_nobody(tmp_path: Path) -> None:
    """All are visitors; and nothing is imported for it."""
    before = set(sys.modules)
    assert build_identities(Settings(_env_file=None, data_dir=tmp_path), FailingDatabase()) == ()
    assert set(sys.modules) == before


@pytest.mark.parametrize("url", [ISSUER, f"{ISSUER}/", f"{ISSUER}/api/auth", "https://LOGIN.example.org:443/auth"])
async def test_issuer_and_audience_are_the_server_s_origin(tmp_path: Path, url: str) -> None:
    """As a browser writes it, whatever path the address has: so does Better Auth."""
    source = built(tmp_path, better_auth_url=url, better_auth_jwks=PINNED)
    assert await source.by_token(KEY.token()) == ADA
    with pytest.raises(Unauthorized):
        await source.by_token(KEY.token(iss=f"{ISSUER}/api/auth"))


async def test_issuer_and_audience_may_be_told(tmp_path: Path) -> None:
    """Each for itself, or both without an address."""
    source = built(tmp_path, better_auth_url=ISSUER, better_auth_jwks=PINNED, better_auth_audience="book")
    assert await source.by_token(KEY.token(aud="book")) == ADA
    source = built(tmp_path, better_auth_jwks=PINNED, better_auth_issuer="me", better_auth_audience="book")
    assert await source.by_token(KEY.token(aud="book", iss="me")) == ADA
    with pytest.raises(Unauthorized):
        await source.by_token(KEY.token())


def test_nothing_is_asked_before_it_is_needed(tmp_path: Path) -> None:
    """Making it touches neither network nor disk, so it may be made before a fork."""
    part = built(tmp_path, better_auth_url="http://127.0.0.1:9").describe()
    assert (part.name, part.kind, part.state) == ("login", "Better Auth", "unknown")
    assert list(tmp_path.iterdir()) == []


async def test_a_secret_without_a_database_looks_nothing_up(tmp_path: Path) -> None:
    """A file that Lectern made itself holds no sessions of Better Auth's; one that was chosen may."""
    cookies = {"better-auth.session_token": session_cookie("t")}
    source = built(tmp_path, better_auth_secret=SECRET)
    assert await source.by_token(shared(sub="a")) == Principal("user", "a")
    assert await source.by_cookies(cookies) is None
    chosen = built(tmp_path, better_auth_secret=SECRET, database_url=f"sqlite:///{tmp_path / 'site.sqlite3'}")
    with pytest.raises(StoreUnavailable):
        await chosen.by_cookies(cookies)

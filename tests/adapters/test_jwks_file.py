"""The last good keys on disk: whole, private, and believed no longer than they should be."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.signing import signer

from lectern.adapters.jwks_file import MOST_AGE_SECONDS, Fetched, JwksFile
from lectern.adapters.jwt_verification import VerifyingKeys
from lectern.key_set import MOST_BYTES

SOURCE = "https://login.example.org/api/auth/jwks"
KEY = signer(kid="k").jwk
NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is; its folder is not there yet."""
    return tmp_path / "data" / "keys.json"


def test_what_was_written_is_read(path: Path) -> None:
    """By another worker, that is: only this user may read it, and nothing else is left in the folder."""
    JwksFile(path, SOURCE).write(Fetched(VerifyingKeys([KEY]), NOW))
    read = JwksFile(path, SOURCE).read(NOW + 5)
    assert read is not None
    assert (read.at, read.keys.jwks) == (NOW, [KEY])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_nothing_there_is_no_keys(path: Path) -> None:
    """As before the first fetch."""
    assert JwksFile(path, SOURCE).read(NOW) is None


@pytest.mark.parametrize(
    ("changed", "now"),
    [
        ({}, NOW + MOST_AGE_SECONDS + 1),
        ({}, NOW - MOST_AGE_SECONDS - 1),
        ({"source": "https://other.example.org/api/auth/jwks"}, NOW),
        ({"source": None}, NOW),
        ({"fetched_at": "x"}, NOW),
        ({"fetched_at": None}, NOW),
        ({"fetched_at": 10**400}, NOW),
        ({"fetched_at": float("nan")}, NOW),
        ({"keys": []}, NOW),
        ({"keys": [{**KEY, "x": "AA"}]}, NOW),
        ({"keys": [{**KEY, "d": "AA"}]}, NOW),
        ({"more": "x" * MOST_BYTES}, NOW),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",  # not by values: a key is made anew
)
def test_a_file_that_may_not_be_believed_is_as_none(path: Path, changed: dict[str, Any], now: float) -> None:
    """Too old, from far in the future, another server's, damaged, or no longer taken by the rules."""
    path.parent.mkdir()
    held = {"source": SOURCE, "fetched_at": NOW, "keys": [KEY]}
    path.write_text(json.dumps(held))
    assert JwksFile(path, SOURCE).read(NOW) is not None
    path.write_text(json.dumps(held | changed))
    assert JwksFile(path, SOURCE).read(now) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\x00", b"[]"])
def test_garbage_is_no_keys(path: Path, content: bytes) -> None:
    """Whoever wrote it."""
    path.parent.mkdir()
    path.write_bytes(content)
    assert JwksFile(path, SOURCE).read(NOW) is None

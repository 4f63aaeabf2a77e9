"""The keyring as the settings make it."""

from pathlib import Path

import pytest

from lectern.config import Settings
from lectern.keyring import Keyring
from lectern.wiring import build_keyring
from lectern.wiring.checks import _secret_key

OLDEST, OLD, NEW = (f"{name}-secret-of-32-characters-or-more" for name in ("oldest", "old", "new"))


def made(folder: Path, **given: object) -> Settings:
    """Settings with nothing from the machine."""
    return Settings(_env_file=None, data_dir=folder / "data", **given)  # type: ignore[arg-type] # settings by name


def test_secrets_of_the_settings_are_in_their_order(tmp_path: Path) -> None:
    """SECRET_KEY makes what is new, the fallbacks still read; nothing is written."""
    keyring = build_keyring(made(tmp_path, secret_key=NEW, secret_key_fallbacks=f"{OLD},\n '{OLDEST}' ,"))
    assert keyring.every("x") == Keyring([NEW.encode(), OLD.encode(), OLDEST.encode()]).every("x")
    assert not (tmp_path / "data").exists()


def test_without_one_it_is_kept_in_a_file_that_the_first_use_makes(tmp_path: Path) -> None:
    """A later start reads it, and it may move into SECRET_KEY as it is."""
    settings = made(tmp_path)
    keyring = build_keyring(settings)
    assert not (tmp_path / "data").exists()
    key = keyring.current("x")
    assert build_keyring(settings).current("x") == key
    kept = settings.secret_key_file.read_text(encoding="ascii").strip()
    assert build_keyring(made(tmp_path / "elsewhere", secret_key=kept)).current("x") == key
    assert build_keyring(made(tmp_path / "elsewhere", secret_key_fallbacks=kept)).every("x")[1] == key


@pytest.mark.parametrize(
    ("given", "durable"),
    [({}, True), ({"space_id": "a/b"}, False), ({"space_id": "a/b", "secret_key": NEW}, True)],
)
def test_a_secret_lasts_unless_a_space_has_none(tmp_path: Path, given: dict[str, str], *, durable: bool) -> None:
    """A laptop's file is there at the next start, a Space's is gone with its container."""
    assert made(tmp_path, **given).has_durable_secret is durable


@pytest.mark.parametrize(
    ("given", "state", "found"),
    [
        ({"secret_key": NEW}, "ok", "SECRET_KEY is set"),
        ({"secret_key": NEW, "secret_key_fallbacks": f"{OLD},{OLDEST}"}, "ok", "2 earlier in SECRET_KEY_FALLBACKS"),
        ({}, "skipped", "one is kept in"),
        ({"space_id": "a/b"}, "warn", "visitors' ids end with this container"),
    ],
)
def test_a_check_says_whether_it_lasts(tmp_path: Path, given: dict[str, str], state: str, found: str) -> None:
    """And, where it does not, what to set; never what is set."""
    (finding,) = _secret_key(made(tmp_path, **given))
    assert finding.state == state
    assert found in finding.found
    assert ("Set SECRET_KEY" in finding.fix) == (state == "warn")
    assert not any(secret in f"{finding}" for secret in (NEW, OLD, OLDEST))

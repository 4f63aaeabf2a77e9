"""Where readers can sign up: where no login server is configured and accounts last."""

from typing import Any

import pytest

from lectern.config import ConfigError, Settings

SECRET = "s" * 32
SPACE = {"space_id": "acme/docs", "space_host": ("acme-docs.hf.space",)}


@pytest.mark.parametrize(
    ("given", "has_accounts"),
    [
        ({}, True),
        ({"accounts": "off"}, False),
        ({"better_auth_url": "https://site.example"}, False),
        ({"better_auth_secret": SECRET}, False),
        ({"better_auth_url": "https://site.example", "accounts": "on"}, True),
        (SPACE, False),
        (SPACE | {"secret_key": SECRET}, True),
        (SPACE | {"secret_key": SECRET, "accounts": "off"}, False),
    ],
)
def test_accounts_are_on_where_they_make_sense(given: dict[str, Any], *, has_accounts: bool) -> None:
    """Unset, the rest of the settings decides; set, the setting does."""
    assert Settings(_env_file=None, **given).has_accounts is has_accounts


def test_accounts_that_would_not_last_stop_a_spaces_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """`on` without SECRET_KEY is refused there, with what to do; a demonstration, and a laptop, may."""
    monkeypatch.setattr("os.environ", {"ACCOUNTS": "on"})
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    assert Settings.load_for_serving().has_accounts
    needed = {"OPENAI_API_KEY": "sk-x", "DATABASE_URL": "sqlite:///x", "CORS_ALLOWED_ORIGINS": "none"}
    space = {"SPACE_ID": "acme/docs", "ACCOUNTS": "on"} | needed
    monkeypatch.setattr("os.environ", space)
    with pytest.raises(ConfigError, match=r"ACCOUNTS is on and SECRET_KEY is not set"):
        Settings.load_for_serving()
    monkeypatch.setattr("os.environ", space | {"LECTERN_DEMO": "1"})
    assert Settings.load_for_serving().has_accounts
    monkeypatch.setattr("os.environ", space | {"SECRET_KEY": SECRET})
    assert Settings.load_for_serving().has_accounts


@pytest.mark.parametrize("wrong", [{"accounts": "maybe"}, {"login_days": 0}, {"login_days": 366}])
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    """A word that is neither on nor off, and a login that ends at once or never."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(_env_file=None, **wrong)

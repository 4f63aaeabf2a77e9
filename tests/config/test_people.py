"""What a secret must be: long enough, and fit to stand in a list."""

import pytest

from lectern.config import ConfigError, Settings

LONG = "0123456789abcdef0123456789abcdef"


def test_a_secret_and_its_predecessors_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas, blanks and line ends stand between the fallbacks."""
    monkeypatch.setenv("SECRET_KEY", LONG)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{LONG}-1, {LONG}-2\n{LONG}-3\n")
    settings = Settings.load()
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == LONG
    assert settings.earlier_secrets == (f"{LONG}-1", f"{LONG}-2", f"{LONG}-3")


def test_without_them_there_are_none() -> None:
    """Nothing has to be set."""
    settings = Settings.load()
    assert (settings.secret_key, settings.earlier_secrets) == (None, ())


@pytest.mark.parametrize(
    ("name", "held", "wants"),
    [
        ("SECRET_KEY", LONG[:-1], "at least 32"),
        ("SECRET_KEY", f"{LONG},{LONG}", "without commas"),
        ("SECRET_KEY", f"{LONG} {LONG}", "without blanks"),
        ("SECRET_KEY", f"ü{LONG}", "ASCII"),
        ("SECRET_KEY_FALLBACKS", f"{LONG},{LONG[:-1]}", "at least 32 ASCII characters each"),
        ("SECRET_KEY_FALLBACKS", f"ü{LONG}", "at least 32 ASCII characters each"),
    ],
)
def test_a_secret_that_would_not_do_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, held: str, wants: str
) -> None:
    """The message names the variable and what it wants, and never repeats the value."""
    monkeypatch.setenv(name, held)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert f"{name} held a secret value" in str(caught.value)
    assert wants in str(caught.value)
    assert LONG[:-1] not in str(caught.value)

"""LIMITS and REDIS_URL: what is taken, and how what is not is told."""

import pytest

from lectern.config import ConfigError, Settings
from lectern.config.limits import DEFAULT_LIMITS, parsed

DEFAULT = {"visitor": (30, 60), "account": (60, 60), "address": (600, 60)}


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        (DEFAULT_LIMITS, DEFAULT),
        ("visitor=1/second", {"visitor": (1, 1)}),
        ("  Visitor = 5 / Hour ;address=100000/day", {"visitor": (5, 3600), "address": (100_000, 86_400)}),
        ("account=2/minute\nvisitor=1/minute", {"account": (2, 60), "visitor": (1, 60)}),
        ("none", {}),
        (" NONE ", {}),
        ("visitor=1/second,", {"visitor": (1, 1)}),
    ],
)
def test_what_is_taken(text: str, rates: dict[str, tuple[int, int]]) -> None:
    """Any of the three in any order, or none of them."""
    assert parsed(text) == rates


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("visitr=30/minute", "visitor, account or address before each =, not 'visitr'"),
        ("30/minute", "not '30/minute'"),
        (",", "not ''"),
        ("visitor=30/minute, visitor=40/minute", "visitor once"),
        ("visitor=30", "visitor='30' as NUMBER/second, minute, hour or day, like visitor=30/minute"),
        ("visitor=thirty/minute", "visitor='thirty/minute' as NUMBER"),
        ("visitor=30/fortnight", "visitor='30/fortnight' as NUMBER"),
        ("visitor=-3/minute", "visitor='-3/minute' as NUMBER"),
        ("visitor=1.5/minute", "visitor='1.5/minute' as NUMBER"),
        ("visitor=0/minute", "a number from 1 to 100000 in visitor='0/minute'; leave visitor out"),
        ("visitor=100001/minute", "a number from 1 to 100000"),
        ("visitor=٣/minute", "visitor='٣/minute' as NUMBER"),
        ("none, visitor=1/minute", "not 'none'"),
        ("visitor=sk-proj-hunter2hunter2", "what stands there"),
    ],
)
def test_what_is_not_taken_is_told(monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    """One message with the variable, what is wrong in it and what it wants, and nothing that may be a secret."""
    monkeypatch.setenv("LIMITS", text)
    with pytest.raises(ConfigError, match="LIMITS") as caught:
        Settings.load()
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_a_space_has_limits_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere none; on a Space what is documented, unless it says otherwise, also that there are none."""
    assert Settings.load().rates == {}
    monkeypatch.setenv("SPACE_ID", "owner/name")
    assert Settings.load().rates == DEFAULT
    monkeypatch.setenv("LIMITS", "none")
    assert Settings.load().rates == {}
    monkeypatch.setenv("LIMITS", "visitor=5/day")
    assert Settings.load().rates == {"visitor": (5, 86_400)}


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("redis://localhost", None),
        ("rediss://default:p%2Fw@eu1.example:6380/0", "p/w"),
        ("redis://:pw@10.0.0.5/3", "pw"),
        ("redis://[::1]:6379/", None),
    ],
)
def test_an_address_of_redis(monkeypatch: pytest.MonkeyPatch, url: str, password: str | None) -> None:
    """With and without a login, a port, a database; the password is known, so that it can be kept out of reports."""
    monkeypatch.setenv("REDIS_URL", url)
    settings = Settings.load()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url
    assert settings.redis_password == password


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://hunter2@host:6379",
        "redis://",
        "redis://:hunter2@",
        "redis://host:99999",
        "redis://host:0",
        "redis://host/hunter2",
        "redis://host?password=hunter2",
        "redis://hunter2:a@b@c/0/1",
        "unix:///tmp/hunter2",
    ],
)
def test_no_address_of_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Anything else is refused with the form that is wanted, and is not repeated."""
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(
        ConfigError, match="REDIS_URL held a secret value; it wants: an address like redis://"
    ) as caught:
        Settings.load()
    assert "hunter2" not in str(caught.value)

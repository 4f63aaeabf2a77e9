"""What may be spent, as settings."""

import pytest

from lectern.config import ConfigError, Settings
from lectern.daily_budget import Budget, Prices


def test_budgets_and_prices_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the README writes them."""
    monkeypatch.setenv("BUDGETS", "visitor=20000 tokens, site=5 usd")
    monkeypatch.setenv("TOKEN_PRICES", "0.15/0.60")
    settings = Settings.load()
    assert settings.budgets == (Budget("visitor", 20000, "tokens"), Budget("site", 5, "usd"))
    assert settings.token_prices == Prices(0.15, 0.6)


def test_money_wants_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them nobody knows what was spent; prices that are wrong are told once, beside what else is wrong."""
    monkeypatch.setenv("BUDGETS", "site=5 usd")
    with pytest.raises(ConfigError, match=r"BUDGETS .* it wants: TOKEN_PRICES beside a budget in money"):
        Settings.load()
    monkeypatch.setenv("TOKEN_PRICES", "cheap")
    monkeypatch.setenv("PORT", "x")
    with pytest.raises(ConfigError) as raised:
        Settings.load()
    told = {line.split()[0] for line in str(raised.value).splitlines()[1:]}
    assert told == {"PORT", "TOKEN_PRICES"}


def test_what_may_be_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the wrong variable stays unseen; a slip is shown."""
    monkeypatch.setenv("BUDGETS", "sk-0123456789abcdefghijkl")
    with pytest.raises(ConfigError) as raised:
        Settings.load()
    assert "sk-" not in str(raised.value)
    monkeypatch.setenv("BUDGETS", "reader=5 tokens")
    with pytest.raises(ConfigError, match="'reader' has no budget"):
        Settings.load()

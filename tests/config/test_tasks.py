"""Settings of tasks: how often somebody may write to the assistant."""

import pytest

from lectern.config import ConfigError, Settings
from lectern.rate import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", Rate(10, 60)),
        ("1/second", Rate(1, 1)),
        (" 100 / Hour ", Rate(100, 3600)),
        ("5/day", Rate(5, 86_400)),
        ("none", None),
    ],
)
def test_a_rate_is_read(monkeypatch: pytest.MonkeyPatch, text: str, rate: Rate | None) -> None:
    """A number in a span of time, or none; ten a minute where nothing is set."""
    assert Settings.load().task_rate == Rate(10, 60)
    monkeypatch.setenv("TASK_CHAT_LIMIT", text)
    assert Settings.load().task_rate == rate


@pytest.mark.parametrize(
    "text", ["10", "10/week", "0/minute", "100001/second", "ten/minute", "account=10/minute", "-1/day"]
)
def test_what_is_no_rate_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The message names the variable, and what it wants."""
    monkeypatch.setenv("TASK_CHAT_LIMIT", text)
    with pytest.raises(ConfigError, match=r"TASK_CHAT_LIMIT.*(\n.*)*NUMBER/second"):
        Settings.load()

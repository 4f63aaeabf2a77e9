"""Values as they are pasted into a form."""

import pytest

from lectern.config import ConfigError, Settings
from lectern.config.pasted import cleaned


@pytest.mark.parametrize(
    "held",
    [
        "sk-1",
        " sk-1\n",
        "\tsk-1\r\n",
        '"sk-1"',
        "'sk-1' ",
        "`sk-1`",
        "\ufeffsk-1\u200b",
        "\u00a0\u200b sk-1",
        "OPENAI_API_KEY=sk-1",
        'OPENAI_API_KEY = "sk-1"\n',
    ],
)
def test_what_came_along_is_dropped(held: str) -> None:
    """Blanks, line ends, quotes, invisible characters and the variable's own name are not the value."""
    assert cleaned("OPENAI_API_KEY", held) == "sk-1"


@pytest.mark.parametrize("held", ["a=b", "it's", "'", '"a" b', "postgresql://u:p@h/d?sslmode=require"])
def test_what_belongs_to_a_value_stays(held: str) -> None:
    """An equals sign, a single quote or quotes around a part are the value's own."""
    assert cleaned("SITE_NAME", held) == held


def test_a_key_works_as_it_was_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of setting is cleaned, from the environment as from a file; a key loses its `Bearer`, too."""
    monkeypatch.setenv("OPENAI_API_KEY", '"Bearer sk-1"\n')
    monkeypatch.setenv("DATABASE_URL", "DATABASE_URL='postgresql://u:p@h/d'\n")
    monkeypatch.setenv("PORT", '"4321"\n')
    settings = Settings.load()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-1"
    assert settings.sqlalchemy_url == "postgresql+psycopg2://u:p@h/d"
    assert settings.port == 4321


@pytest.mark.parametrize("held", [" ", '""', "\n", "OPENAI_API_KEY="])
def test_a_blank_key_is_no_key(monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    """What has nothing in it is not set, so it is missing where it is required."""
    monkeypatch.setenv("OPENAI_API_KEY", held)
    settings = Settings.load()
    assert settings.openai_api_key is None
    assert "openai_api_key" not in settings.model_fields_set


@pytest.mark.parametrize("held", ["sk-hunter2\nsk-2", "sk-hunter2-bearer 2", "sk-hunter2…", "sk-hunter2\x00"])
def test_a_key_that_no_header_can_hold_is_refused(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent, it would fail each request with an error of the HTTP library that repeats the header."""
    with monkeypatch.context() as patch:
        # The operating system lets no NUL into an environment; a secrets file may hold one.
        patch.setattr("os.environ", {"OPENAI_API_KEY": held})
        with pytest.raises(ConfigError, match="OPENAI_API_KEY held a secret value; it wants: a key") as caught:
            Settings.load()
    assert "hunter2" not in str(caught.value)

"""What a public service needs: told by the boot report, and required on a Space."""

import pytest

from lectern.config import REQUIREMENTS, ConfigError, ServerSettings, Settings

EVERYTHING = {
    "OPENAI_API_KEY": "sk-1",
    "DATABASE_URL": "postgresql://u:p@h/d",
    "CORS_ALLOWED_ORIGINS": "https://docs.example",
}


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Space with nothing else set."""
    monkeypatch.setenv("SPACE_ID", "owner/name")
    return monkeypatch


def refusal() -> str:
    """What a start on this Space is refused with."""
    with pytest.raises(ConfigError) as caught:
        Settings.load_for_serving()
    return str(caught.value)


def test_what_production_needs_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named until it is set; off a Space it stops nothing."""
    missing = dict(Settings.load_for_serving().missing_for_production())
    assert missing == {need.variable: need.consequence for need in REQUIREMENTS}
    for name, value in EVERYTHING.items():
        monkeypatch.setenv(name, value)
        del missing[name]
        assert dict(Settings.load_for_serving().missing_for_production()) == missing


def test_a_space_says_all_that_it_lacks(space: pytest.MonkeyPatch) -> None:
    """One message: each variable, its kind, what it is for, its form, and where this very Space is told it."""
    message = refusal()
    for need in REQUIREMENTS:
        assert f"{need.variable} ({'secret' if need.secret else 'variable'}): {need.purpose}" in message
        assert f"like {need.example}" in message
    assert "https://huggingface.co/spaces/owner/name/settings" in message
    assert "Variables and secrets" in message
    assert "LECTERN_DEMO=1" in message


def test_the_table_says_which_are_secrets() -> None:
    """A variable is called a secret where the setting is one, and every name in the table is a setting."""
    for need in REQUIREMENTS:
        field = Settings.model_fields[need.variable.lower()]
        assert need.secret == ("Secret" in str(field.annotation))
        assert "required on a Space" in str(field.description)
        for name in need.alternatives:
            assert name.lower() in Settings.model_fields
            assert name in need.instead


@pytest.mark.parametrize("variable", list(EVERYTHING))
def test_only_what_is_missing_is_asked_for(space: pytest.MonkeyPatch, variable: str) -> None:
    """With all but one, the message names the one."""
    for name in EVERYTHING.keys() - {variable}:
        space.setenv(name, EVERYTHING[name])
    message = refusal()
    asked = [name for name in EVERYTHING if f"{name} (" in message]
    assert asked == [variable]


@pytest.mark.parametrize(
    ("variable", "instead"),
    [
        ("OPENAI_API_KEY", {"OPENAI_BASE_URL": "https://llm.example/v1"}),
        ("DATABASE_URL", {"NEON_API_KEY": "postgresql://u:p@h/d"}),
        ("DATABASE_URL", {"DATABASE_URL": "sqlite:////data/lectern.sqlite3"}),
        ("CORS_ALLOWED_ORIGINS", {"CORS_ALLOWED_ORIGINS": "none"}),
    ],
)
def test_each_has_its_way_out(space: pytest.MonkeyPatch, variable: str, instead: dict[str, str]) -> None:
    """A model server of one's own, the other name, a file or no site at all: each as an explicit choice."""
    for name, value in ({name: EVERYTHING[name] for name in EVERYTHING if name != variable} | instead).items():
        space.setenv(name, value)
    assert Settings.load_for_serving().missing_for_production() == []


def test_openais_own_address_is_no_server_of_ones_own(space: pytest.MonkeyPatch) -> None:
    """Writing the default down does not make it work without a key."""
    space.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert "OPENAI_API_KEY (secret)" in refusal()


@pytest.mark.parametrize("yes", ["1", "true", "True\n"])
def test_a_demonstration_needs_nothing(space: pytest.MonkeyPatch, yes: str) -> None:
    """LECTERN_DEMO starts without them, and the report still says what is missing."""
    space.setenv("LECTERN_DEMO", yes)
    assert len(Settings.load_for_serving().missing_for_production()) == len(REQUIREMENTS)


def test_a_command_needs_nothing(space: pytest.MonkeyPatch) -> None:
    """An image is built, and a database migrated, without what serving needs; so is another app served."""
    assert Settings.load().space_id == "owner/name"
    assert ServerSettings.load().port == 7860


def test_wrong_and_missing_are_told_at_once(space: pytest.MonkeyPatch) -> None:
    """Both kinds stand in one message; what is set to something wrong is not called missing as well."""
    space.setenv("PORT", "seven")
    space.setenv("LECTERN_DEMO", "perhaps")
    space.setenv("DATABASE_URL", "mysql://u:hunter2@h/d")
    message = refusal()
    for part in ("PORT held 'seven'", "LECTERN_DEMO held 'perhaps'", "DATABASE_URL held a secret value"):
        assert part in message
    assert "OPENAI_API_KEY (secret)" in message
    assert "DATABASE_URL (secret)" not in message
    assert "hunter2" not in message


def test_a_slip_stands_below_what_it_misses(space: pytest.MonkeyPatch) -> None:
    """The name that was set stands with the variable that was meant, without its value."""
    space.setenv("OPENAI_API_KEY", "sk-1")
    space.setenv("DATABSE_URL", "postgresql://u:hunter2@h/d")
    space.setenv("QDRANT_HOST", "hunter2")
    message = refusal()
    below = message.partition("DATABASE_URL (secret)")[2].partition("CORS_ALLOWED_ORIGINS (variable)")[0]
    assert "DATABSE_URL is not a setting; did you mean DATABASE_URL?" in below
    assert "hunter2" not in message

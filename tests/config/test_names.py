"""Names that are nearly settings."""

from pathlib import Path

import pytest

from lectern.config import Settings
from lectern.config import names as naming
from lectern.config.names import misspellings

SETTINGS = [name.upper() for name in Settings.model_fields]
ORDINARY = [
    name
    for line in (Path(__file__).parent / "ordinary_names.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split()
]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("OPENAIAPIKEY", "OPENAI_API_KEY"),
        ("OPEN_AI_API_KEY", "OPENAI_API_KEY"),
        ("OPEN_AI_KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_KEYS", "OPENAI_API_KEY"),
        ("OPNAI_API_KEY", "OPENAI_API_KEY"),
        ("openai_apikey", "OPENAI_API_KEY"),
        ("LECTERN_OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
        ("QDRANT_HOST", "QDRANT_URL"),
        ("QUADRANT_URL", "QDRANT_URL"),
        ("QDRANT_URI", "QDRANT_URL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("DATA_BASE_URL", "DATABASE_URL"),
        ("NEON_DATABASE_URL", "DATABASE_URL"),
        ("NEON_APIKEY", "NEON_API_KEY"),
        ("POSTGRES_URL", "DATABASE_URL"),
        ("CORS_ORIGINS", "CORS_ALLOWED_ORIGINS"),
        ("CORS_ALLOWED_ORIGIN", "CORS_ALLOWED_ORIGINS"),
        ("CORS_ALOWED_ORIGINS", "CORS_ALLOWED_ORIGINS"),
        ("COHERE_KEY", "COHERE_API_KEY"),
        ("CO_API_KEY", "COHERE_API_KEY"),
        ("BETTERAUTH_SECRET", "BETTER_AUTH_SECRET"),
        ("BETTER_AUTH_SECERT", "BETTER_AUTH_SECRET"),
        ("GRACEFUL_TIMEOUT", "GRACEFUL_TIMEOUT_SECONDS"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("PASSAGE", "PASSAGES"),
        ("LECTURN_DEMO", "LECTERN_DEMO"),
    ],
)
def test_a_slip_is_understood(given: str, meant: str) -> None:
    """Letters, underscores, plurals, other programs' names: the setting that was meant is named."""
    (found,) = misspellings([given], SETTINGS, held=())
    assert str(found) == f"{given} is not a setting; did you mean {meant}?"


def test_no_ordinary_name_is_taken_for_a_slip() -> None:
    """None of hundreds of names that real environments have, with not one setting set."""
    assert len(set(ORDINARY)) > 350
    assert misspellings(ORDINARY, SETTINGS, held=()) == []


def test_a_setting_is_no_slip_of_another() -> None:
    """Each setting, in capitals or not, is what it is."""
    assert misspellings([*SETTINGS, *map(str.lower, SETTINGS)], SETTINGS, held=()) == []


def test_a_setting_that_is_set_is_not_asked_for() -> None:
    """Whoever set DATABASE_URL means something else by POSTGRES_URL, as Vercel's integration sets both."""
    assert misspellings(["POSTGRES_URL", "DATABASE_URL"], SETTINGS, held={"DATABASE_URL"}) == []


def test_a_database_under_its_other_name_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address in NEON_API_KEY, nobody misses DATABASE_URL."""
    monkeypatch.setenv("POSTGRES_URL", "postgresql://u:p@h/d")
    assert [found.given for found in Settings.load().misspellings()] == ["POSTGRES_URL"]
    monkeypatch.setenv("NEON_API_KEY", "postgresql://u:p@h/d")
    assert Settings.load().misspellings() == []


def test_every_alias_leads_to_a_setting() -> None:
    """The table names settings that exist, and nothing that the rules or a setting cover already."""
    assert set(naming._ALIASES.values()) <= set(SETTINGS)
    assert [name for name in naming._ALIASES if next(naming._candidates(name, SETTINGS), None)] == []
    assert set(naming._ALIASES).isdisjoint(SETTINGS)


def test_the_environment_and_the_file_are_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A slip is found in both; one without a value is none."""
    (tmp_path / ".env").write_text("QDRANT_APIKEY=hunter2\nDATABSE_URL=\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_APIKEY", "hunter2")
    monkeypatch.setenv("COHERE_KEY", " ")
    assert [str(found) for found in Settings.load().misspellings()] == [
        "OPENAI_APIKEY is not a setting; did you mean OPENAI_API_KEY?",
        "QDRANT_APIKEY is not a setting; did you mean QDRANT_API_KEY?",
    ]

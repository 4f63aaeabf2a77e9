"""Names in the environment that are nearly settings. Values are never looked at."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from dotenv import dotenv_values

# Other programs' and people's names for what a setting says, all found in public code; those that the rules below
# understand are left out.
_ALIASES = {
    # The OpenAI SDK before 1.0, LangChain, Open WebUI, and what people write.
    "OPENAI_API_BASE": "OPENAI_BASE_URL",
    "OPENAI_API_BASE_URL": "OPENAI_BASE_URL",
    "OPENAI_API_URL": "OPENAI_BASE_URL",
    "OPENAI_MODEL_NAME": "OPENAI_MODEL",
    "OPENAI_CHAT_MODEL": "OPENAI_MODEL",
    "OPENAI_EMBEDDING_MODEL": "EMBEDDING_MODEL",
    "OPENAI_KEY": "OPENAI_API_KEY",
    "OPENAI_TOKEN": "OPENAI_API_KEY",
    "OPENAI_SECRET_KEY": "OPENAI_API_KEY",
    # Cohere's own SDK reads CO_API_KEY.
    "CO_API_KEY": "COHERE_API_KEY",
    "COHERE_KEY": "COHERE_API_KEY",
    "COHERE_TOKEN": "COHERE_API_KEY",
    # Qdrant's tutorials and its integrations.
    "QDRANT_HOST": "QDRANT_URL",
    "QDRANT_ENDPOINT": "QDRANT_URL",
    "QDRANT_CLUSTER_URL": "QDRANT_URL",
    "QDRANT_CLUSTER_ENDPOINT": "QDRANT_URL",
    "QDRANT_KEY": "QDRANT_API_KEY",
    "QDRANT_TOKEN": "QDRANT_API_KEY",
    "QDRANT_COLLECTION_NAME": "QDRANT_COLLECTION",
    # Vercel's and Supabase's integrations, Flask-SQLAlchemy, FastAPI's tutorial, and what people write.
    "POSTGRES_URL": "DATABASE_URL",
    "POSTGRES_URI": "DATABASE_URL",
    "POSTGRES_DSN": "DATABASE_URL",
    "POSTGRESQL_URL": "DATABASE_URL",
    "NEON_DATABASE_URL": "DATABASE_URL",
    "NEON_URL": "DATABASE_URL",
    "SUPABASE_DB_URL": "DATABASE_URL",
    "SQLALCHEMY_DATABASE_URI": "DATABASE_URL",
    "SQLALCHEMY_DATABASE_URL": "DATABASE_URL",
    "DATABASE_DSN": "DATABASE_URL",
    "DB_URL": "DATABASE_URL",
    # FastAPI's full-stack template, and what people write.
    "BACKEND_CORS_ORIGINS": "CORS_ALLOWED_ORIGINS",
    "CORS_ORIGINS": "CORS_ALLOWED_ORIGINS",
    "CORS_ORIGIN": "CORS_ALLOWED_ORIGINS",
    "ALLOWED_ORIGINS": "CORS_ALLOWED_ORIGINS",
    # Other servers' names.
    "GUNICORN_WORKERS": "WEB_CONCURRENCY",
    "DEMO_MODE": "LECTERN_DEMO",
}
_OWN_PREFIX = "LECTERN_"
_UNITS = ("_SECONDS", "_BYTES")
# Measured on tests/config/ordinary_names.txt and the misspellings in tests/config/test_names.py: 0.8 lets one wrong,
# missing or doubled letter in a word of four pass, and no ordinary name.
_CLOSE = 0.8
_SHORTEST_WORD = 6


@dataclass(frozen=True, slots=True)
class Misspelling:
    """A name that is set and no setting, and the setting that it nearly names."""

    given: str
    meant: str

    def __str__(self) -> str:
        """The question for people."""
        return f"{self.given} is not a setting; did you mean {self.meant}?"


def given_names() -> list[str]:
    """The names that the environment and `.env` hold with a value, sorted."""
    held = {**dotenv_values(".env", interpolate=False), **os.environ}
    return sorted(name for name, value in held.items() if value and value.strip())


def misspellings(given: Iterable[str], settings: Collection[str], held: Collection[str]) -> list[Misspelling]:
    """The given names that nearly name a setting which is not set itself.

    Args:
        given: Names of the environment.
        settings: Names of all settings, in capitals.
        held: Those of them that are set: whoever set the right name means something else by the other one.
    """
    found = ((name, _meant(name.upper(), settings)) for name in given if name.upper() not in settings)
    return [Misspelling(name, meant) for name, meant in found if meant and meant not in held]


def _meant(name: str, settings: Collection[str]) -> str | None:
    return _ALIASES.get(name) or next(_candidates(name, settings), None)


def _candidates(name: str, settings: Collection[str]) -> Iterator[str]:
    """The settings that this may be, the surest first."""
    unprefixed = name.removeprefix(_OWN_PREFIX)
    for setting in settings:
        # Kubernetes itself sets LECTERN_PORT beside a service of that name.
        if _bare(setting) == _bare(name) or (_bare(setting) == _bare(unprefixed) and setting != "PORT"):
            yield setting
    yield from (name + unit for unit in _UNITS if name + unit in settings)
    yield from sorted(
        (setting for setting in settings if _near(name, setting)), key=lambda setting: -_likeness(name, setting)
    )


def _bare(name: str) -> str:
    return name.replace("_", "").replace("-", "")


def _near(name: str, setting: str) -> bool:
    """Whether both have the same words, but for slips of the finger."""
    ours, theirs = setting.split("_"), name.split("_")
    if len(ours) != len(theirs) or (len(ours) == 1 and len(setting) < _SHORTEST_WORD):
        return False
    return all(_same_word(*pair) for pair in zip(ours, theirs, strict=True))


def _same_word(one: str, other: str) -> bool:
    if one == other or {one, other} == {"URL", "URI"}:
        return True
    # A letter that only one of them has matches nothing; asked first, as the likeness itself takes longer.
    letters = len(one) + len(other)
    if (letters - len(set(one) ^ set(other))) / letters < _CLOSE:
        return False
    return sorted(one) == sorted(other) or _likeness(one, other) >= _CLOSE


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()

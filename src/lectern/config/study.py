"""Chapters for other readers: which languages, how much, by whom."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from lectern.config.part import Seconds, SettingsPart


class StudySettings(SettingsPart):
    """Chapters for other readers: which languages, how much, by whom."""

    site_language: str = Field(
        "en", min_length=2, max_length=60, description="Language the site is written in, by code or name"
    )
    default_language: str = Field(
        "ur", min_length=2, max_length=60, description="Language of a translation that names none, by code or name"
    )
    translation_languages: Annotated[tuple[str, ...], NoDecode] = Field(
        ("ur", "ar", "bn", "de", "en", "es", "fa", "fr", "hi", "id", "ja", "ko", "pt", "ru", "tr", "zh"),
        description="Languages that may be asked for, comma-separated, by code or name; each costs a chapter once",
    )
    max_study_characters: int = Field(
        40_000,
        ge=100,
        le=1_000_000,
        description="Longest text, or batch of texts, that is translated or adapted, in characters; escaped six bytes "
        "each, this many still fit in MAX_BODY_BYTES",
    )
    glossary: Path | None = Field(
        None,
        description="CSV file of terms that translations leave as they are, or put as it says; unset, glossary.csv in "
        "CONTENT_DIR, if it is there",
    )
    rewrite_retention_days: int = Field(
        180,
        ge=0,
        le=36_500,
        description="Days after its last use that a translated or adapted piece of a chapter is deleted, to be made "
        "anew when it is asked for; 0 keeps it for ever",
    )
    study_batch_tokens: int = Field(
        800,
        ge=100,
        le=100_000,
        description="Most tokens of a chapter in one call, about 4 characters each; what it becomes in another script "
        "takes two to four times as many, which have to fit into one answer of the model, and small calls end soon",
    )
    study_calls: int = Field(
        4,
        ge=1,
        le=100,
        description="Calls at once for one chapter: a page of 20 KB takes seven, which go in two rounds",
    )
    study_lease_seconds: Seconds = Field(
        150,
        description="How long others wait for a piece of a chapter whose worker has died; not less than "
        "REQUEST_TIMEOUT_SECONDS, as a living one may take that long",
    )

    @field_validator("translation_languages", mode="before")
    @classmethod
    def _languages(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(entry.strip() for entry in re.split(r"[,\n]+", value) if entry.strip())
        return value

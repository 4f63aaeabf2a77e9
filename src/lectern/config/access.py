"""Who may call."""

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from lectern.config.errors import may_hold_secret
from lectern.config.part import Key, SettingsPart
from lectern.origin_address import normal


class AccessSettings(SettingsPart):
    """The sites whose pages may call, and the operator."""

    cors_allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Sites whose pages may call the API, comma-separated, as https://docs.example.org or "
        "https://*-team.vercel.app; required on a Space, where none means its own page only. Elsewhere pages on this "
        "machine may call, too",
    )

    admin_token: Key | None = Field(
        None,
        min_length=16,
        description="The operator's token, 16 characters or more, for GET /health/report, /ingest and /admin; unset, "
        "nobody has it",
    )

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            # Other tools' forms are taken too: a JSON list, quotes that a --env-file keeps, lines.
            text = value.strip()
            text = text[1:].removesuffix("]") if text.startswith("[") else text
            entries = (entry.strip("\"'") for entry in re.split(r"[,\s]+", text))
            return tuple(entry for entry in entries if entry) if text.lower() != "none" else ()
        return value

    @field_validator("cors_allowed_origins")
    @classmethod
    def _normal(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        origins, wrong = [], []
        for entry in entries:
            try:
                origins.append(normal(entry))
            except ValueError as error:
                # The message repeats the entry, with what to write instead.
                wrong.append("one that is not shown is no origin" if may_hold_secret(entry) else str(error))
        if wrong:
            raise ValueError("origins of your own sites; " + "; ".join(wrong))
        return tuple(dict.fromkeys(origins))

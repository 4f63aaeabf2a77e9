"""Lectern's own accounts, the secret behind what Lectern itself signs, and how long what is kept of people stays."""

import re
from typing import Final

from pydantic import Field, SecretStr, field_validator

from lectern.config.part import Key, SettingsPart

SHORTEST_SECRET: Final = 32
"""Characters of a secret: 32 hex digits are 128 random bits, which nobody guesses."""


class PeopleSettings(SettingsPart):
    """Accounts, signatures and retention."""

    secret_key: Key | None = Field(
        None,
        min_length=SHORTEST_SECRET,
        description="The secret behind visitors' ids and accounts, 32 characters or more (openssl rand -hex 32); "
        "unset, one is kept in DATA_DIR/secret-key, which on a Space ends with its container",
    )
    secret_key_fallbacks: SecretStr | None = Field(
        None, description="Earlier values of SECRET_KEY, comma-separated, which still open what they closed"
    )

    @field_validator("secret_key")
    @classmethod
    def _can_stand_in_a_list(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "," in value.get_secret_value():
            raise ValueError("a secret without commas, so that it can be listed in SECRET_KEY_FALLBACKS one day")
        return value

    @field_validator("secret_key_fallbacks")
    @classmethod
    def _are_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        if any(len(entry) < SHORTEST_SECRET or not entry.isascii() for entry in _entries(value)):
            msg = f"secrets of at least {SHORTEST_SECRET} ASCII characters each, comma-separated"
            raise ValueError(msg)
        return value

    @property
    def earlier_secrets(self) -> tuple[str, ...]:
        """The entries of SECRET_KEY_FALLBACKS, in their order."""
        return _entries(self.secret_key_fallbacks)


def _entries(listed: SecretStr | None) -> tuple[str, ...]:
    """What stands between commas, blanks and line ends, without quotes that a --env-file keeps."""
    entries = re.split(r"[,\s]+", listed.get_secret_value()) if listed else ()
    return tuple(entry for entry in (entry.strip("\"'") for entry in entries) if entry)

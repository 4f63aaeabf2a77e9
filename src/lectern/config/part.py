"""What the parts of the settings share: where they are read from, and their common types."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lectern.config.pasted import cleaned

_BEARER = re.compile(r"^bearer\s+", re.IGNORECASE)
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def _key(value: SecretStr) -> SecretStr:
    """A key that can stand in a header; the HTTP library would print one that cannot in its error."""
    key = _BEARER.sub("", value.get_secret_value(), count=1)
    if not re.fullmatch(r"[!-~]+", key):
        raise ValueError("a key: one word of ASCII letters, digits and signs, without blanks or line ends inside")
    return SecretStr(key)


def _web_address(value: str) -> str:
    """An address without a login or a query: keys have settings of their own, and addresses are shown."""
    if not _WEB_ADDRESS.fullmatch(value):
        raise ValueError("an address like https://host.example/path, without a login, ? or # in it")
    return value


Seconds = Annotated[float, Field(gt=0, le=3600)]
Key = Annotated[SecretStr, AfterValidator(_key)]
"""A key or token that is sent in a header; `Bearer ` before it is dropped, as no key has a blank."""
WebAddress = Annotated[str, AfterValidator(_web_address)]


class SettingsPart(BaseSettings):
    """Read from the environment, then from `.env`, in any case of letters. A blank variable is no variable."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, given: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        if not isinstance(given, Mapping):
            return given
        values = {name: cleaned(name.upper(), held) if isinstance(held, str) else held for name, held in given.items()}
        return {name: held for name, held in values.items() if held != ""}

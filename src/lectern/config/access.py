"""Who may call."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from lectern.config.part import Key, SettingsPart, WebAddress


class AccessSettings(SettingsPart):
    """The sites whose pages may call, and the operator."""

    cors_allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://localhost:3000", "http://127.0.0.1:3000"),
        description="Sites whose pages may call the API, comma-separated, or none, required on a Space; the default "
        "is a Docusaurus on this machine",
    )

    admin_token: Key | None = Field(
        None,
        min_length=16,
        description="The operator's token, for GET /health/report, 16 characters or more; unset, nobody may read it",
    )
    better_auth_url: WebAddress | None = Field(
        None, description="Your Better Auth server; ./entrypoint.sh check looks at it"
    )
    better_auth_secret: SecretStr | None = Field(
        None, description="That server's secret; ./entrypoint.sh check looks at its length"
    )

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            if value.lower() == "none":
                return ()
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

"""Where conversations are kept."""

from pydantic import Field, SecretStr, field_validator

from lectern.config.part import Seconds, SettingsPart
from lectern.database_address import normal


class DatabaseSettings(SettingsPart):
    """Where conversations are kept, and the room for those that wait."""

    database_url: SecretStr | None = Field(
        None,
        description="Where conversations are kept, required on a Space: postgresql://user:password@host/name, or "
        "sqlite:///path; unset, a file in DATA_DIR",
    )
    neon_api_key: SecretStr | None = Field(
        None, description="The same address, under the name some deployments use; DATABASE_URL wins"
    )
    database_connect_timeout_seconds: Seconds = Field(
        5, description="Time to connect to Postgres; one that sleeps takes some seconds to wake"
    )
    database_statement_timeout_seconds: Seconds = Field(
        5, description="Longest time for one statement on Postgres, and for a turn to wait for a connection"
    )
    outbox_bytes: int = Field(
        67_108_864,
        ge=0,
        le=10_737_418_240,
        description="Room in DATA_DIR for turns that wait while Postgres is down, in bytes (64 MiB hold thousands); "
        "0 keeps none",
    )

    @field_validator("database_url", "neon_api_key")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(normal(value.get_secret_value()))

"""What the parts of the settings share: where they are read from, and their common types."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, le=3600)]


class SettingsPart(BaseSettings):
    """Read from the environment, then from `.env`. An empty variable is no variable."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

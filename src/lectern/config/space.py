"""What a Hugging Face Space says about itself, and what it must be told."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from lectern.config.part import SettingsPart


class SpaceSettings(SettingsPart):
    """A Space's own variables, and the switch for a demonstration."""

    space_id: str | None = Field(
        None, description="OWNER/NAME, set by a Space; there a server does not start without the required variables"
    )
    space_host: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="The Space's host names, comma-separated, set by a Space"
    )
    lectern_demo: bool = Field(False, description="1 lets a server on a Space start without the required variables")

    @field_validator("space_host", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

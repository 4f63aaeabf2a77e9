"""Turns that go on without their reader."""

from pydantic import Field

from lectern.config.part import SettingsPart


class TurnSettings(SettingsPart):
    """Turns that go on without their reader."""

    abandon_seconds: float = Field(
        60,
        ge=0,
        le=600,
        description="How long a turn goes on, in seconds, when all its readers have left and none comes back; a phone "
        "that slept or changed its network is back in less. 0 ends it at once",
    )
    max_followers: int = Field(
        50, ge=1, le=1000, description="Streams that may follow one turn at once in one worker; a reader has a few tabs"
    )

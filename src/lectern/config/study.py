"""Chapters for other readers: which languages, how much, by whom."""

from pydantic import Field

from lectern.config.part import SettingsPart


class StudySettings(SettingsPart):
    """Chapters for other readers: which languages, how much, by whom."""

    rewrite_retention_days: int = Field(
        180,
        ge=0,
        le=36_500,
        description="Days after its last use that a translated or adapted piece of a chapter is deleted, to be made "
        "anew when it is asked for; 0 keeps it for ever",
    )

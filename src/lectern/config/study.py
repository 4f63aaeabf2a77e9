"""Chapters for other readers: which languages, how much, by whom."""

from pydantic import Field

from lectern.config.part import Seconds, SettingsPart


class StudySettings(SettingsPart):
    """Chapters for other readers: which languages, how much, by whom."""

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
        description="Calls at once for one chapter: a page of 20 KB takes seven, which come back in two rounds",
    )
    study_lease_seconds: Seconds = Field(
        150,
        description="How long others wait for a piece of a chapter whose worker has died; not less than "
        "REQUEST_TIMEOUT_SECONDS, as a living one may take that long",
    )

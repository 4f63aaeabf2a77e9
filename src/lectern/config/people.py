"""Lectern's own accounts, and how long what is kept of people stays."""

from pydantic import Field

from lectern.config.part import SettingsPart


class PeopleSettings(SettingsPart):
    """Accounts, signatures and retention."""

    retention_days: int = Field(
        90,
        ge=0,
        le=36_500,
        description="Days after its last question that an anonymous conversation is deleted; 0 keeps it for ever",
    )
    account_retention_days: int = Field(
        0, ge=0, le=36_500, description="The same for those of accounts and users; 0 keeps them until they are deleted"
    )

"""Lectern's own accounts."""

from pydantic import Field

from lectern.config.part import SettingsPart


class AccountSettings(SettingsPart):
    """Whether readers sign up here, and for how long they then are known."""

    accounts: bool | None = Field(
        None,
        description="on or off: whether readers can sign up and in here; unset, on where no BETTER_AUTH_… is set and "
        "accounts last: not on a Space without SECRET_KEY, where on stops the start",
    )
    login_days: int = Field(30, ge=1, le=365, description="How long a sign-in of Lectern's own accounts holds, in days")

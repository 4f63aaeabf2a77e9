"""Lectern's own accounts, and how long what is kept of people stays."""

from lectern.config.part import SettingsPart


class PeopleSettings(SettingsPart):
    """Accounts, signatures and retention."""

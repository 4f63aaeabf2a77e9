"""How often and how much."""

from lectern.config.part import SettingsPart


class LimitSettings(SettingsPart):
    """Rates, budgets, and where they are counted."""

"""Readers' tasks and the assistant that manages them."""

from lectern.config.part import SettingsPart


class TaskSettings(SettingsPart):
    """Readers' tasks and the assistant that manages them."""

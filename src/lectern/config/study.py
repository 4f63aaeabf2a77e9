"""Chapters for other readers: which languages, how much, by whom."""

from lectern.config.part import SettingsPart


class StudySettings(SettingsPart):
    """Chapters for other readers: which languages, how much, by whom."""

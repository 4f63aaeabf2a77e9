"""The Model Context Protocol."""

from lectern.config.part import SettingsPart


class McpSettings(SettingsPart):
    """The Model Context Protocol."""

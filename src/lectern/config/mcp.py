"""The Model Context Protocol."""

from pydantic import Field

from lectern.config.part import SettingsPart


class McpSettings(SettingsPart):
    """Whether coding agents can ask here."""

    mcp: bool = Field(
        default=True,
        description="on or off: whether coding agents can ask at /mcp, by the Model Context Protocol; only where its "
        "packages are installed (./entrypoint.sh install mcp; the image has them)",
    )

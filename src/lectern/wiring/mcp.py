"""Settings → the Model Context Protocol, which is an extra: its SDK need not be installed."""

from importlib.util import find_spec

from lectern.config import Settings
from lectern.mcp.service import McpService


def build_mcp(settings: Settings) -> McpService | None:
    """What answers at `/mcp`; None where it is switched off or the SDK is not installed. Imports nothing of the SDK."""
    return McpService() if settings.mcp and find_spec("mcp") is not None else None

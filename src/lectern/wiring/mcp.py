"""Settings → the Model Context Protocol, which is an extra: its SDK need not be installed."""

from importlib.util import find_spec

from lectern.config import Settings
from lectern.mcp.service import McpService
from lectern.ports import Ports
from lectern.tasks.tools import Toolbox


def build_mcp(settings: Settings, ports: Ports) -> McpService | None:
    """What answers at `/mcp`; None where it is switched off or the SDK is not installed. Imports nothing of the SDK."""
    if not settings.mcp or find_spec("mcp") is None:
        return None
    tasks, most = ports.tasks, settings.max_tasks
    if tasks is None:
        return McpService()
    return McpService(lambda principal_id: Toolbox(tasks, principal_id, most_tasks=most))

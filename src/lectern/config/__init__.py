"""Every setting: its variable, unit, default and why. Read from the environment and, if it exists, from `.env`.

One file a part; a setting stands in one of them and nowhere else. `ServerSettings` shape the process and serve any ASGI
app; `Settings` are those and Lectern's own. A wrong value stops the start with one `ConfigError` that names every wrong
variable at once.
"""

from lectern.config.errors import ConfigError
from lectern.config.models import LOCAL_EMBEDDING_MODEL, OPENAI
from lectern.config.requirements import REQUIREMENTS
from lectern.config.server import ServerSettings
from lectern.config.settings import Settings

__all__ = [
    "LOCAL_EMBEDDING_MODEL",
    "OPENAI",
    "REQUIREMENTS",
    "ConfigError",
    "ServerSettings",
    "Settings",
]

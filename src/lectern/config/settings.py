"""All settings, and what follows from several of them."""

from pathlib import Path

from lectern.config.access import AccessSettings
from lectern.config.calls import CallSettings
from lectern.config.chat import ChatSettings
from lectern.config.database import DatabaseSettings
from lectern.config.index import IndexSettings
from lectern.config.models import ModelSettings
from lectern.config.server import ServerSettings
from lectern.config.space import SpaceSettings


class Settings(
    ServerSettings,
    SpaceSettings,
    IndexSettings,
    DatabaseSettings,
    ModelSettings,
    AccessSettings,
    CallSettings,
    ChatSettings,
):
    """The process, and Lectern itself."""

    @property
    def outbox_dir(self) -> Path:
        """Folder of the turns that wait for the database."""
        return self.data_dir / "outbox"

    @property
    def sqlalchemy_url(self) -> str:
        """Where conversations are kept, as SQLAlchemy wants it."""
        if address := self.database_url or self.neon_api_key:
            return address.get_secret_value()
        return f"sqlite:///{self.data_dir / 'lectern.sqlite3'}"

    def missing_for_production(self) -> list[tuple[str, str]]:
        """What a public service still needs, as `(variable, what happens without it)`."""
        missing = []
        if not self.has_llm:
            missing.append(("OPENAI_API_KEY", "without it answers quote the best passages, word for word"))
        if not (self.database_url or self.neon_api_key):
            missing.append(("DATABASE_URL", "without it conversations are in a file that a new container has not"))
        if "cors_allowed_origins" not in self.model_fields_set:
            missing.append(("CORS_ALLOWED_ORIGINS", "without it only pages on this machine may call the API"))
        return missing

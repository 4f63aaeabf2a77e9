"""All settings, and what follows from several of them."""

from pathlib import Path
from typing import Self

from lectern.config.access import AccessSettings
from lectern.config.accounts import AccountSettings
from lectern.config.budgets import BudgetSettings
from lectern.config.calls import CallSettings
from lectern.config.chat import ChatSettings
from lectern.config.database import DatabaseSettings
from lectern.config.errors import ConfigError
from lectern.config.identity import IdentitySettings
from lectern.config.index import IndexSettings
from lectern.config.limits import DEFAULT_LIMITS, LimitSettings, parsed
from lectern.config.mcp import McpSettings
from lectern.config.models import ModelSettings
from lectern.config.names import Misspelling, given_names, misspellings
from lectern.config.people import PeopleSettings
from lectern.config.reading import read
from lectern.config.requirements import REQUIREMENTS, Requirement, refusal
from lectern.config.server import ServerSettings
from lectern.config.space import SpaceSettings
from lectern.config.study import StudySettings
from lectern.config.tasks import TaskSettings
from lectern.config.turns import TurnSettings
from lectern.rate import Rate


class Settings(
    ServerSettings,
    SpaceSettings,
    IndexSettings,
    DatabaseSettings,
    ModelSettings,
    AccessSettings,
    IdentitySettings,
    PeopleSettings,
    AccountSettings,
    LimitSettings,
    BudgetSettings,
    CallSettings,
    ChatSettings,
    TurnSettings,
    StudySettings,
    TaskSettings,
    McpSettings,
):
    """The process, and Lectern itself."""

    @classmethod
    def load_for_serving(cls) -> Self:
        """Read the environment and `.env`, as `load` does, for a process that is going to serve.

        On a Space that is no demonstration, what production needs is required: what is kept in the container is gone
        at its next start, so nothing there may be a default that nobody chose.

        Raises:
            ConfigError: A variable is wrong, or a required one is missing; the message names all of them.
        """
        reading = read(cls)
        parts = (
            reading.message,
            _refusal(reading.settings, reading.wrong),
            _passing_accounts(reading.settings, reading.wrong),
        )
        message = "\n\n".join(part for part in parts if part)
        if message:
            raise ConfigError(message)
        return reading.settings

    @property
    def outbox_dir(self) -> Path:
        """Folder of the turns that wait for the database."""
        return self.data_dir / "outbox"

    @property
    def secret_key_file(self) -> Path:
        """Where the secret is kept that was made here because SECRET_KEY is not set."""
        return self.data_dir / "secret-key"

    @property
    def has_durable_secret(self) -> bool:
        """Whether what is signed or encrypted now can be read after the next start, in a new container on a Space."""
        return self.secret_key is not None or self.space_id is None

    @property
    def has_accounts(self) -> bool:
        """Whether readers can sign up and in here."""
        if self.accounts is not None:
            return self.accounts
        login_server = (self.better_auth_url, self.better_auth_jwks, self.better_auth_secret)
        return self.has_durable_secret and all(setting is None for setting in login_server)

    @property
    def login_keys_file(self) -> Path:
        """The last good keys of the login server."""
        return self.data_dir / "login-keys.json"

    @property
    def sqlalchemy_url(self) -> str:
        """Where conversations are kept, as SQLAlchemy wants it."""
        if address := self.database_url or self.neon_api_key:
            return address.get_secret_value()
        return f"sqlite:///{self.data_dir / 'lectern.sqlite3'}"

    @property
    def rates(self) -> dict[str, Rate]:
        """The rate of each caller: what `LIMITS` says; unset, the default on a Space and none elsewhere."""
        if self.limits is not None:
            return parsed(self.limits)
        return parsed(DEFAULT_LIMITS) if self.space_id is not None else {}

    def missing_for_production(self) -> list[tuple[str, str]]:
        """What a public service still needs, as `(variable, what happens without it)`."""
        return [(requirement.variable, requirement.consequence) for requirement in self.unmet_requirements()]

    def unmet_requirements(self) -> list[Requirement]:
        """What a public service still needs."""
        met = {
            "OPENAI_API_KEY": self.has_llm,
            "DATABASE_URL": (self.database_url or self.neon_api_key) is not None,
            "CORS_ALLOWED_ORIGINS": "cors_allowed_origins" in self.model_fields_set,
        }
        return [requirement for requirement in REQUIREMENTS if not met[requirement.variable]]

    def misspellings(self) -> list[Misspelling]:
        """The names in the environment and `.env` that are no settings, but nearly name one that is not set."""
        settings = [name.upper() for name in type(self).model_fields]
        held = {name.upper() for name in self.model_fields_set}
        if self.neon_api_key is not None:
            held.add("DATABASE_URL")
        return misspellings(given_names(), settings, held)


def _refusal(settings: Settings, wrong: frozenset[str]) -> str:
    """Why a Space does not start, empty when it does; what is set to something wrong is not missing."""
    if settings.space_id is None or settings.lectern_demo:
        return ""
    needs = settings.unmet_requirements()
    missing = [need for need in needs if wrong.isdisjoint({need.variable, *need.alternatives})]
    return refusal(settings.space_id, missing, settings.misspellings()) if missing else ""


def _passing_accounts(settings: Settings, wrong: frozenset[str]) -> str:
    """Why a Space does not start with accounts that would end with its container; empty when it does."""
    if not settings.accounts or settings.has_durable_secret or settings.lectern_demo or "SECRET_KEY" in wrong:
        return ""
    return (
        "Lectern cannot start: ACCOUNTS is on and SECRET_KEY is not set. Accounts are encrypted with it; nobody could "
        "sign in after the next start. Set the secret SECRET_KEY (openssl rand -hex 32) in this Space's Settings, or "
        "ACCOUNTS to off."
    )

"""Every setting: its variable, unit, default and why. Read from the environment and, if it exists, from `.env`.

`ServerSettings` shape the process and serve any ASGI app; `Settings` are those and Lectern's own.
A wrong value stops the start with one `ConfigError` that names every wrong variable at once.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lectern.database_address import normal

OPENAI = "https://api.openai.com/v1"
Seconds = Annotated[float, Field(gt=0, le=3600)]


class ConfigError(Exception):
    """One message that names each wrong variable, what it held and what it wants. Never a secret's value."""


class ServerSettings(BaseSettings):
    """The process: what gunicorn needs, whatever app it serves."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    port: int = Field(7860, ge=0, le=65535, description="Port to listen on; 7860 is a Space's default, 0 any free one")
    web_concurrency: int | None = Field(
        None, ge=1, le=512, description="Number of workers; unset, it follows from the container's limits"
    )
    app_module: str = Field(
        "lectern.app:create_app()",
        pattern=r"^[\w.]+(:[\w.]+(\(\))?)?$",
        description="The ASGI app to serve, as package.module:app",
    )
    worker_timeout_seconds: int = Field(
        60, ge=2, le=3600, description="A worker whose event loop is blocked this long is replaced"
    )
    graceful_timeout_seconds: int = Field(
        25, ge=2, le=3600, description="How long a stopping worker lets streams finish; below a platform's kill delay"
    )
    header_timeout_seconds: Seconds = Field(
        10, description="A connection that has not sent a whole request head by then is closed (slow loris)"
    )
    keep_alive_seconds: int = Field(
        75, ge=0, le=3600, description="An idle connection stays open this long; above a proxy's own 60 s"
    )
    max_requests: int = Field(
        0, ge=0, le=10_000_000, description="Replace a worker after this many requests; 0 means never"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least severe line logged")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="json, text, or auto: text on a terminal, json elsewhere"
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1,::1,10.0.0.0/8",
        description="Peers whose X-Forwarded-For is believed; a Space's edge is in 10/8; never *",
    )

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _never_everyone(cls, value: str) -> str:
        if "*" in value:
            msg = "name the proxies; with * any caller can forge its address"
            raise ValueError(msg)
        return value

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigError: At least one variable is wrong; the message names all of them.
        """
        try:
            return cls()
        except ValidationError as error:
            raise ConfigError(_explain(cls, error)) from None


class Settings(ServerSettings):
    """The process, and Lectern itself."""

    data_dir: Path = Field(Path("data"), description="Folder for the index and the SQLite file")
    database_url: SecretStr | None = Field(
        None,
        description="Where conversations are kept: postgresql://user:password@host/name, or sqlite:///path; "
        "unset, a file in DATA_DIR",
    )
    neon_api_key: SecretStr | None = Field(
        None, description="The same, under the name some deployments use; DATABASE_URL wins"
    )
    database_connections: int | None = Field(
        None, ge=1, le=100, description="Connections of one worker; unset, planned so that all stay below 90"
    )
    database_connect_timeout_seconds: Seconds = Field(
        5, description="Time to connect to Postgres; one that sleeps takes some seconds to wake"
    )
    database_statement_timeout_seconds: Seconds = Field(
        5, description="Longest time for one statement on Postgres, and for a turn to wait for a connection"
    )
    outbox_bytes: int = Field(
        67_108_864,
        ge=0,
        le=10_737_418_240,
        description="Room in DATA_DIR for turns that wait while Postgres is down, in bytes (64 MiB hold thousands); "
        "0 keeps none",
    )
    cors_allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://localhost:3000", "http://127.0.0.1:3000"),
        description="Sites whose pages may call the API, comma-separated; the default is a Docusaurus on this machine",
    )

    openai_api_key: SecretStr | None = Field(
        None, description="Key of the language model's API; unset, answers quote the best passages"
    )
    openai_base_url: str = Field(
        OPENAI, pattern=r"^https?://", description="Any API that speaks OpenAI's chat completions"
    )
    openai_model: str = Field("gpt-4o-mini", min_length=1, description="The chat model")
    openai_fallback_model: str | None = Field(
        None, description="A second chat model, asked when the first one cannot be; unset, passages are quoted"
    )
    openai_fallback_base_url: str | None = Field(
        None, pattern=r"^https?://", description="Where the second model is; unset, where the first one is"
    )
    openai_fallback_api_key: SecretStr | None = Field(
        None, description="Its key; unset, the first one's, if both are at one address"
    )
    embedding_model: str | None = Field(
        None, description="The embedding model of the same API; unset, retrieval is lexical"
    )
    embedding_batch: int = Field(64, ge=1, le=2048, description="Texts in one embeddings request")
    connect_timeout_seconds: Seconds = Field(5, description="Time to connect to a provider")
    first_token_timeout_seconds: Seconds = Field(20, description="Time to a provider's first token")
    token_timeout_seconds: Seconds = Field(10, description="Longest silence between two tokens")
    answer_timeout_seconds: Seconds = Field(120, description="Longest time for one whole answer")
    request_timeout_seconds: float = Field(
        150,
        ge=10,
        le=3600,
        description="All of a request, in seconds; 5 s of it are kept for saving, every hop gets what the others left",
    )
    retries: int = Field(
        1,
        ge=0,
        le=5,
        description="Further tries of a failed remote call, before its first token, within a budget of 20 %",
    )
    breaker_window_seconds: Seconds = Field(30, description="How far back a circuit breaker looks")
    breaker_min_calls: int = Field(
        8, ge=1, le=10_000, description="Calls in that window before a rate means anything; a quiet site has few"
    )
    breaker_failure_rate: float = Field(
        0.5, gt=0, le=1, description="Part of the calls in the window that must fail for a breaker to open"
    )
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="Failures in a row that open a breaker, however few calls there are"
    )
    breaker_slow_seconds: Seconds = Field(
        15, description="A first token later than this is slow; a breaker opens when 80 % of the calls are slow or fail"
    )
    breaker_open_seconds: Seconds = Field(
        1, description="How long a breaker that opens turns calls away; each further time twice as long"
    )
    breaker_max_open_seconds: Seconds = Field(
        8, description="The longest of these times: a part that is back is used again within 10 s"
    )
    llm_concurrency: int = Field(
        200,
        ge=1,
        le=10_000,
        description="Answers at once in one worker; any worker must be able to take the whole load",
    )
    call_concurrency: int = Field(
        64,
        ge=1,
        le=10_000,
        description="Calls at once of each other remote part, in one worker; they take milliseconds",
    )
    queue_length: int = Field(
        200, ge=0, le=100_000, description="Calls that wait for a place at one part, in one worker; the next is refused"
    )
    queue_seconds: Seconds = Field(5, description="How long one of them waits at most")
    max_answer_tokens: int = Field(1024, ge=16, le=100_000, description="Longest answer asked of the model, in tokens")

    passages: int = Field(5, ge=1, le=20, description="Passages given to the model and shown as sources")
    history_turns: int = Field(6, ge=0, le=50, description="Earlier turns that the model and a follow-up see")
    prompt_tokens: int = Field(6000, ge=500, le=1_000_000, description="Longest prompt, in tokens (4 characters each)")
    min_confidence: float = Field(
        0.2, ge=0, le=1, description="Below this confidence the site is said not to answer the question"
    )
    max_body_bytes: int = Field(262_144, ge=1024, le=104_857_600, description="Largest request body, in bytes")
    max_message_characters: int = Field(8000, ge=100, le=100_000, description="Longest question, in characters")
    heartbeat_seconds: Seconds = Field(10, description="Silence on a stream after which a comment keeps it open")

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url", "neon_api_key")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(normal(value.get_secret_value()))

    @property
    def has_llm(self) -> bool:
        """Whether a language model is configured: a key, or a server of one's own that may need none."""
        return self.openai_api_key is not None or self.openai_base_url != OPENAI

    @property
    def outbox_dir(self) -> Path:
        """Folder of the turns that wait for the database."""
        return self.data_dir / "outbox"

    @property
    def has_fallback_llm(self) -> bool:
        """Whether a second language model is configured, for a first one that exists."""
        return self.has_llm and (self.openai_fallback_model or self.openai_fallback_base_url) is not None

    @property
    def index_dir(self) -> Path:
        """Folder of the local index."""
        return self.data_dir / "index"

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
        if self.has_llm and not self.embedding_model:
            missing.append(("EMBEDDING_MODEL", "without it retrieval is by words only, not by meaning"))
        if not (self.database_url or self.neon_api_key):
            missing.append(("DATABASE_URL", "without it conversations are in a file that a new container has not"))
        if "cors_allowed_origins" not in self.model_fields_set:
            missing.append(("CORS_ALLOWED_ORIGINS", "without it only pages on this machine may call the API"))
        return missing


def _explain(model: type[BaseSettings], error: ValidationError) -> str:
    """One line a wrong variable: its name, what it held, what it wants."""
    lines = ["Lectern cannot start: wrong settings."]
    for fault in error.errors(include_url=False, include_context=False):
        field_name = str(fault["loc"][0])
        field = model.model_fields[field_name]
        secret = "Secret" in str(field.annotation)
        held = "a secret value" if secret else repr(os.environ.get(field_name.upper(), fault["input"]))
        wants = fault["msg"].removeprefix("Value error, ")
        lines.append(f"  {field_name.upper()} held {held}; it wants: {wants} ({field.description}).")
    return "\n".join(lines)

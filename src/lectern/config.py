"""Every setting: its variable, unit, default and why. Read from the environment and, if it exists, from `.env`.

`ServerSettings` shape the process and serve any ASGI app; `Settings` are those and Lectern's own.
A wrong value stops the start with one `ConfigError` that names every wrong variable at once.
The file is long because it is one list: a setting stands here and nowhere else.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lectern.database_address import normal

OPENAI = "https://api.openai.com/v1"
LOCAL_EMBEDDING_MODEL = "all-MiniLM-L6-v2"
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
    database_connections: int | None = Field(
        None, ge=1, le=100, description="Database connections of one worker; unset, planned so that all stay below 90"
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
    qdrant_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Qdrant's REST address; without a port it means 6333, so write :443 where only that is let out. "
        "Unset, the index is local",
    )
    qdrant_api_key: SecretStr | None = Field(None, description="Qdrant's key, one that may write when it ingests")
    qdrant_collection: str = Field(
        "lectern",
        pattern=r"^[A-Za-z0-9_.-]{1,200}$",
        description="Alias that readers ask; the collections behind it are named after it",
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
        None,
        description="The embedding model of the same API; unset, all-MiniLM-L6-v2 in the process where its weights are;"
        " none for retrieval by words",
    )
    embedding_model_path: Path | None = Field(
        None,
        description="Folder of all-MiniLM-L6-v2's model.safetensors and tokenizer.json; unset, the Hugging Face cache,"
        " which ingest fills",
    )
    embedding_batch: int = Field(
        64, ge=1, le=2048, description="Texts in one embeddings request; an ingest hands over 64 at a time"
    )
    embedding_batch_tokens: int = Field(
        50_000, ge=100, le=300_000, description="Tokens in one embeddings request, by a rough estimate of 3 bytes each"
    )
    embedding_requests: int = Field(
        4, ge=1, le=64, description="Embeddings requests of an ingest at once; a provider's limit a minute decides"
    )
    cohere_api_key: SecretStr | None = Field(
        None, description="Key of Cohere's API; unset, Cohere neither embeds nor ranks"
    )
    cohere_base_url: str = Field(
        "https://api.cohere.com", pattern=r"^https?://", description="Cohere's API, without the version"
    )
    cohere_embedding_model: str = Field(
        "embed-v4.0",
        min_length=1,
        description="Cohere's embedding model where EMBEDDING_MODEL is unset; none leaves embedding to the local one",
    )
    cohere_rerank_model: str = Field(
        "rerank-v3.5", min_length=1, description="Cohere's model that ranks what was found; none for no ranking"
    )
    rerank_timeout_seconds: Seconds = Field(
        3, description="Time to rank what was found; after it the order of the index stands"
    )
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

    @field_validator("embedding_model_path")
    @classmethod
    def _with_weights(cls, value: Path | None) -> Path | None:
        if value is not None and not all((value / name).is_file() for name in ("model.safetensors", "tokenizer.json")):
            msg = "a folder that holds model.safetensors and tokenizer.json"
            raise ValueError(msg)
        return value

    @property
    def embedder(self) -> Literal["none", "local", "openai", "cohere"]:
        """Who makes vectors; `local` means the model in this process, if its weights are there."""
        if self.embedding_model == "none":
            return "none"
        if self.embedding_model is None:
            return "cohere" if self.cohere_api_key and self.cohere_embedding_model != "none" else "local"
        return "local" if self.embedding_model == LOCAL_EMBEDDING_MODEL else "openai"

    @property
    def embedding_name(self) -> str | None:
        """The name of the embedding model; None for retrieval by words."""
        names = {"local": LOCAL_EMBEDDING_MODEL, "openai": self.embedding_model, "cohere": self.cohere_embedding_model}
        return names.get(self.embedder)

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

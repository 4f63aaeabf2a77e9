"""The process: what gunicorn needs, whatever app it serves."""

from ipaddress import ip_network
from typing import Literal, Self

from pydantic import Field, field_validator

from lectern.config.errors import ConfigError
from lectern.config.part import Seconds
from lectern.config.reading import read
from lectern.config.space import SpaceSettings


class ServerSettings(SpaceSettings):
    """The process: what gunicorn needs, whatever app it serves; and where it runs."""

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
    def _proxies(cls, value: str) -> str:
        if "*" in value:
            msg = "name the proxies; with * any caller can forge its address"
            raise ValueError(msg)
        for entry in value.split(","):
            try:
                ip_network(entry.strip())
            except ValueError:  # it repeats the entry, which may be a secret in the wrong place
                msg = "addresses and networks, as 127.0.0.1,10.0.0.0/8, with no host bits set"
                raise ValueError(msg) from None
        return value

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Addresses and networks of the proxies that are believed."""
        return tuple(entry.strip() for entry in self.forwarded_allow_ips.split(","))

    @classmethod
    def load(cls) -> Self:
        """Read the environment and `.env`.

        Raises:
            ConfigError: At least one variable is wrong; the message names all of them.
        """
        reading = read(cls)
        if reading.message:
            raise ConfigError(reading.message)
        return reading.settings

"""How often one may ask, and where that is counted."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator

from lectern import rate
from lectern.config.errors import may_hold_secret
from lectern.config.part import SettingsPart
from lectern.rate import WANTED, Rate

DEFAULT_LIMITS: Final = "visitor=30/minute, account=60/minute, address=600/minute"
"""On a Space. A reader may ask every other second, and a school behind one address ten times a second. Elsewhere there
are no limits: on a laptop, a load test's readers come from one address."""

CALLERS: Final = ("visitor", "account", "address")
_SHOWN: Final = re.compile(r"[\w/ .-]{1,20}")
_REDIS: Final = re.compile(r"rediss?://([^\s/?#@]*@)?(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?(/\d{0,4})?")


class LimitSettings(SettingsPart):
    """Rates, and where they and budgets are counted."""

    limits: str | None = Field(
        None,
        description="How often one may ask: visitor (a browser without a login), account (a login), address (all that "
        "are behind it), each as NUMBER/second, minute, hour or day, or none for no limits; unset on a Space, "
        f"{DEFAULT_LIMITS}",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Where all replicas count limits and budgets together: redis://user:password@host:port/0, or "
        "rediss:// for TLS; unset, each container counts by itself",
    )

    @field_validator("limits")
    @classmethod
    def _limits(cls, value: str | None) -> str | None:
        if value is not None:
            parsed(value)
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_redis(value.get_secret_value()):
            raise ValueError("an address like redis://user:password@host:6379/0, or rediss:// for TLS, without ? or #")
        return value

    @property
    def redis_password(self) -> str | None:
        """The password inside `REDIS_URL`, as it is; None when there is none."""
        password = urlsplit(self.redis_url.get_secret_value()).password if self.redis_url else None
        return unquote(password) if password else None


def parsed(text: str) -> dict[str, Rate]:
    """The rate of each caller; empty for `none`.

    Raises:
        ValueError: It is not a list of rates; the message says which is wrong and what it wants.
    """
    rates: dict[str, Rate] = {}
    if text.strip().lower() == "none":
        return rates
    entries = [entry.strip().lower() for entry in re.split(r"[,;\n]", text)]
    for entry in filter(None, entries) if any(entries) else entries:
        name, _, written = (part.strip() for part in entry.partition("="))
        if name not in CALLERS:
            raise ValueError(f"visitor, account or address before each =, not {_shown(name)}; like {DEFAULT_LIMITS}")
        if name in rates:
            raise ValueError(f"{name} once")
        found = rate.parsed(written)
        if found is None:
            wanted = f"{WANTED}, like {name}=30/minute; leave {name} out for no limit of it"
            raise ValueError(f"{name}={_shown(written)} as {wanted}")
        rates[name] = found
    return rates


def parsed_rate(text: str) -> Rate | None:
    """A rate that stands alone; None for `none`.

    Raises:
        ValueError: It is no rate; the message says what it wants.
    """
    if text.strip().lower() == "none":
        return None
    found = rate.parsed(text)
    if found is None:
        raise ValueError(f"{WANTED}, or none")
    return found


def _shown(text: str) -> str:
    """What was written, unless it may hold a secret."""
    harmless = _SHOWN.fullmatch(text) and not may_hold_secret(text)
    return repr(text) if harmless or not text else "what stands there"


def _is_redis(value: str) -> bool:
    """Whether this names a Redis server; its port is checked where it is read."""
    try:
        return _REDIS.fullmatch(value) is not None and (urlsplit(value).port is None or urlsplit(value).port != 0)
    except ValueError:
        return False

"""Settings → what limits are counted with, and which there are."""

from typing import TYPE_CHECKING

from lectern.adapters.shared_counters import SharedCounters
from lectern.config import Settings
from lectern.limits.rules import Rules, words
from lectern.ports import Counters
from lectern.serving.numbers import SharedNumbers
from lectern.wiring.guards import Guards
from lectern.wiring.tls import shared_context

if TYPE_CHECKING:
    from lectern.adapters.redis_numbers import RedisNumbers


def build_rules(settings: Settings) -> Rules | None:
    """The rates; None when there are none."""
    rates = settings.rates
    return Rules(rates.get("visitor"), rates.get("account"), rates.get("address")) if rates else None


def build_counters(settings: Settings, guards: Guards, numbers: SharedNumbers | None) -> Counters:
    """Redis for all replicas where it is configured, with this server's memory behind it; else that memory.

    Args:
        settings: Read from the environment.
        guards: Put a line before what is remote.
        numbers: The memory that all workers share; None when there is one process only.
    """
    shown = ", ".join(f"{caller} {words(rate)}" for caller, rate in settings.rates.items())
    here = SharedCounters(numbers, note=shown)
    if settings.redis_url is None:
        return here
    from lectern.adapters.redis_counters import RedisCounters  # noqa: PLC0415 - 0.3 s, where Redis is configured

    return RedisCounters(build_redis(settings.redis_url.get_secret_value()), here, *guards.counting())


def build_redis(url: str) -> "RedisNumbers":
    """A Redis server; nothing is connected."""
    from lectern.adapters.redis_numbers import RedisNumbers  # noqa: PLC0415 - 0.3 s, where Redis is configured

    return RedisNumbers(url, tls=shared_context() if url.startswith("rediss") else None)

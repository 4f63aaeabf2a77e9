"""Whether Redis takes the key, lets itself be written, and answers fast enough to be asked before each question."""

import time
from typing import Final

from lectern.adapters.redis_numbers import SECONDS, RedisNumbers
from lectern.errors import LecternError
from lectern.ops.findings import Finding
from lectern.ports import Rate

_SLOW_SECONDS: Final = 0.05
"""Every question waits for one call. A server in the same region answers in one or two milliseconds."""

_FIX: Final = (
    "Look at REDIS_URL and at the server's console. Until it answers, each container counts for itself, and limits are "
    "as many times higher as there are containers."
)


async def examine_redis(numbers: RedisNumbers) -> list[Finding]:
    """Take from a bucket of its own, twice: the first call opens the connection."""
    name, where = "redis", f"Redis at {numbers.place}"
    try:
        version = await numbers.version()
        began = time.monotonic()
        await numbers.take_all([("check", Rate(1_000_000, 60))])
        took = time.monotonic() - began
    except LecternError as error:
        return [Finding(name, "fail", f"{where}: {error.message}", _FIX)]
    found = f"{where}, version {version}, counts in {took * 1000:.1f} ms"
    if took > _SLOW_SECONDS:
        fix = f"Every question waits for it, up to {SECONDS:g} s: use a server in the same region."
        return [Finding(name, "warn", found, fix)]
    return [Finding(name, "ok", found)]

"""Buckets and sums in Redis, by its own clock, so that all replicas agree. Plain calls: their caller guards them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from lectern.errors import UpstreamTimeout, UpstreamUnavailable
from lectern.limits import bucket
from lectern.ports import Rate, Standing

DEFAULT_PORT: Final = 6379
SECONDS: Final = 0.25
"""Longest time for one call, a new connection included: a reader waits for it."""

_CONNECTIONS: Final = 16
"""Of one worker; a call takes less than a millisecond of one, so they carry thousands a second."""

_FAILURES: Final = (RedisError, OSError, TimeoutError, ValueError, TypeError, LookupError)

_WORDS: Final[dict[type[BaseException], str]] = {
    AuthenticationError: "the password is wrong or missing",
    ReadOnlyError: "it is a replica, which cannot be written",
    OutOfMemoryError: "its memory is full",
    TimeoutError: "no answer in time",
    RedisTimeoutError: "no answer in time",
    ConnectionRefusedError: "connection refused",
    ssl.SSLError: "TLS fails: the certificate, or no TLS there",
}

# limits/bucket.py in Lua. Times are microseconds, as its doubles hold whole numbers up to 2^53. They are told as text:
# Redis would cut off a number's fraction.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead, room = {}, true
local slack = tonumber(ARGV[#ARGV])
for i, key in ipairs(KEYS) do
  local each, most = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local moment = tonumber(redis.call('GET', key) or 0) or 0
  ahead[i] = math.min(math.max(moment - now, 0), most)
  if ahead[i] + each > most + each * slack then room = false end
end
local told = {}
for i, key in ipairs(KEYS) do
  if room then
    ahead[i] = ahead[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.17g', now + ahead[i]), 'PX', math.ceil(ahead[i] / 1000))
  end
  told[i] = string.format('%.17g', ahead[i])
end
return {room and 1 or 0, told}
"""

_SPEND: Final = """
local held = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
local sum = string.format('%.17g', math.max(held, tonumber(ARGV[3])) + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], sum)
redis.call('EXPIREAT', KEYS[1], ARGV[2])
return sum
"""


class _SharedTls(SSLConnection):
    """A connection with the context that all clients share: making one takes 20 ms of the event loop."""

    def __init__(self, *, tls: ssl.SSLContext, **rest: Any) -> None:  # noqa: ANN401 - the library's own arguments
        super().__init__(**rest)
        self.ssl_context.context = tls


class RedisNumbers:
    """One server. Keys are digests, as they name readers and addresses; all are of one hash slot, for a cluster.

    Args:
        url: `redis://` or `rediss://`, with user, password, port and database where they are not the default.
        tls: For `rediss://`.
        seconds: Longest time for one call.
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None, seconds: float = SECONDS) -> None:
        self.place = place(url)
        self._seconds = seconds
        options: dict[str, Any] = {**parse_url(url)}
        if tls is not None:
            options |= {"connection_class": _SharedTls, "tls": tls}
        pool = BlockingConnectionPool(
            max_connections=_CONNECTIONS,
            timeout=seconds,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,  # two round trips less a connection
            **options,
        )
        self._client = Redis.from_pool(pool)
        self._take = self._client.register_script(_TAKE)
        self._spend = self._client.register_script(_SPEND)

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """As `Counters.take_all`.

        Raises:
            UpstreamTimeout: It does not answer in time.
            UpstreamUnavailable: It cannot be reached, refuses, or is no Redis.
        """
        rates = [rate for _, rate in takes]
        numbers = [number * 1e6 for rate in rates for number in (bucket.refill(rate), rate.seconds)] + [bucket.SLACK]
        async with self._asked():
            told = await self._take(
                keys=[_name("bucket", key) for key, _ in takes], args=[f"{number:.17g}" for number in numbers]
            )
            ahead = [float(text) / 1e6 for text in told[1]]
            if told[0]:
                return [bucket.standing(one, rate, allowed=True) for one, rate in zip(ahead, rates, strict=True)]
            return [
                bucket.standing(one, rate, allowed=bucket.take(one, rate) is not None)
                for one, rate in zip(ahead, rates, strict=True)
            ]

    async def spent(self, key: str) -> float:
        """As `Counters.spent`; raises as `take_all` does."""
        async with self._asked():
            return float(await self._client.get(_name("sum", key)) or 0)

    async def spend(self, key: str, amount: float, *, until: int, known: float = 0) -> float:
        """Add a countable amount; raises as `take_all` does.

        Args:
            key: As `Counters.spend` has it.
            amount: The same.
            until: The same, in whole seconds.
            known: What the sum was once; a server that came back empty has forgotten it.

        Returns:
            The sum.
        """
        async with self._asked():
            told = await self._spend(keys=[_name("sum", key)], args=[f"{amount:.17g}", f"{until}", f"{known:.17g}"])
            return float(told)

    async def version(self) -> str:
        """What the server calls its version; raises as `take_all` does."""
        async with self._asked():
            server: dict[str, object] = await self._client.info("server")
            return str(server["redis_version"])

    async def close(self) -> None:
        """Give back connections; the next call opens new ones."""
        await self._client.connection_pool.disconnect()

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except ReadOnlyError as error:
            # It was the primary once: a new connection finds the new one.
            await self._client.connection_pool.disconnect(inuse_connections=False)
            raise UpstreamUnavailable(brief(error)) from error
        except _FAILURES as error:
            kind = UpstreamTimeout if isinstance(error, TimeoutError) else UpstreamUnavailable
            raise kind(brief(error)) from error


def place(url: str) -> str:
    """Host and port of an address, without its login."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORT}"


def brief(error: BaseException) -> str:
    """What happened, in a few words, none of them the server's or with a secret in it."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind) or isinstance(error.__context__, kind):  # the library wraps what the system says
            return words
    if isinstance(error, ResponseError):
        # The first word is a code by convention, as MISCONF, NOPERM.
        code = str(error).partition(" ")[0]
        return f"refused: {code}" if code.isupper() and code.isalpha() else "refused"
    return "cannot be reached" if isinstance(error, (RedisError, OSError)) else "no Redis answers there"


def _name(kind: str, key: str) -> str:
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{{lectern}}:{kind}:{digest}"

"""May this request pass? Asked of the counters, with what an answer tells its reader about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from lectern.errors import RateLimited
from lectern.limits.rules import Rules, Take, words
from lectern.ports import Counters, Standing
from lectern.principal import Principal


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request stands with its tightest rate.

    That is the one to wait longest for, of those that are empty; else the one with the fewest left.
    """

    take: Take
    standing: Standing

    def headers(self) -> Iterator[tuple[str, str]]:
        """`RateLimit-*`, as draft-ietf-httpapi-ratelimit-headers-07 has them; times are seconds from now."""
        rate = self.take.rate
        yield "RateLimit-Limit", str(rate.count)
        yield "RateLimit-Remaining", str(self.standing.remaining)
        yield "RateLimit-Reset", str(ceil(self.standing.reset_seconds))
        yield "RateLimit-Policy", f"{rate.count};w={rate.seconds:g}"

    def refusal(self) -> RateLimited | None:
        """The error of a request that may not pass."""
        if self.standing.allowed:
            return None
        seconds = max(1, ceil(self.standing.retry_after_seconds))
        most = " ".join(filter(None, (words(self.take.rate), self.take.whom)))
        wait = "a second" if seconds == 1 else f"{seconds} seconds"
        return RateLimited(f"Too many requests: at most {most}. Try again in {wait}.", retry_after_seconds=seconds)


class Rates:
    """The rates of a service.

    Args:
        rules: Which there are.
        counters: Where they are counted.
        also: More that hold for the same requests; one is refused when either has nothing left, and takes from none.
    """

    def __init__(self, rules: Rules, counters: Counters, *, also: Rules | None = None) -> None:
        self._rules = (rules,) if also is None else (rules, also)
        self._counters = counters

    async def judge(self, principal: Principal, address: str, *, is_new: bool) -> Verdict | None:
        """Count a request, or refuse it and count nothing; None for one that no rate is about."""
        takes = [take for rules in self._rules for take in rules.takes(principal, address, is_new=is_new)]
        if not takes:
            return None
        standings = await self._counters.take_all([(take.key, take.rate) for take in takes])
        take, standing = min(zip(takes, standings, strict=True), key=_tightness)
        return Verdict(take, standing)


def _tightness(pair: tuple[Take, Standing]) -> tuple[bool, float, int]:
    standing = pair[1]
    return standing.allowed, -standing.retry_after_seconds, standing.remaining

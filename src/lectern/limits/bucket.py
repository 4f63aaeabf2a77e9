"""A token bucket as one number, by the generic cell rate algorithm: time is an argument.

The number is how far a bucket is *ahead*: the seconds until it is full again. Taking one puts it ahead by the time in
which one is refilled (`seconds / count`); it is empty when one more would put it ahead by more than `seconds`. So a
full bucket gives `count` at once, then one each `seconds / count`, and in any window never more than
`count + window * count / seconds`. (ITU-T I.371; https://brandur.org/rate-limiting.)
"""

from math import ceil, isfinite
from typing import Final

from lectern.ports import Rate, Standing

SLACK: Final = 0.1
"""Part of one refill by which a bucket may be short of one. Rounding takes away less, up to 500 a second, of a clock
that counts seconds since 1970 in a double (0.2 microseconds each time); above that, one in 500 may be refused."""

MOST_AMOUNT: Final = 1e15
"""More is never spent at once: far above any budget in tokens or money, and still exact in a double."""


def refill(rate: Rate) -> float:
    """Seconds in which one is refilled."""
    return rate.seconds / rate.count


def ahead_of(moment: float, now: float, rate: Rate) -> float:
    """How far a bucket is ahead that is full again at a moment; what no bucket of this rate can be counts as empty."""
    return min(max(moment - now, 0.0), rate.seconds)


def take(ahead: float, rate: Rate) -> float | None:
    """How far the bucket is ahead when one is taken; None when it is empty."""
    each = refill(rate)
    return ahead + each if ahead + each <= rate.seconds + each * SLACK else None


def standing(ahead: float, rate: Rate, *, allowed: bool) -> Standing:
    """How somebody stands whose bucket is ahead by this, once one was taken (`allowed`) or refused."""
    each = refill(rate)
    left = max(0, int((rate.seconds - ahead) / each + SLACK))
    wait = 0.0 if left else max(0.0, ahead + each - rate.seconds)
    return Standing(allowed, left, ahead, wait)


def countable(amount: float) -> float:
    """What of an amount is counted: nothing of one that is negative or no number, `MOST_AMOUNT` of a larger one."""
    return min(amount, MOST_AMOUNT) if amount > 0 else 0.0


def whole_second(moment: float) -> int:
    """The first whole second of 1970 on that is not before a moment; 0, which is over, for what is none."""
    return ceil(min(max(moment, 0.0), 1e11)) if isfinite(moment) else 0

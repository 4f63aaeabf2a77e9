"""How often somebody may try: what bounds guessing of passwords, and making of accounts.

An attempt is counted before its password is looked at, whether it succeeds or not, so many at once are no way around.
Each number leaves room for people: a class of thirty behind one address that signs up or in at the same minute passes.
"""

import hmac
from typing import Final

from lectern.errors import RateLimited
from lectern.keyring import Keyring
from lectern.ports import Counters, Rate

_QUARTER, _HOUR = 900.0, 3600.0

SIGN_UPS: Final = Rate(60, _HOUR)
"""New accounts from one address: two classes an hour. Who makes them by the thousand needs as many addresses."""

ATTEMPTS_FROM: Final = Rate(100, _QUARTER)
"""Attempts from one address, at whatever accounts: three classes; a login then lasts for weeks."""

ATTEMPTS_AT_FROM: Final = Rate(10, _QUARTER)
"""Attempts from one address at one account: who mistypes ten times has forgotten it."""

ATTEMPTS_AT: Final = Rate(100, _HOUR)
"""Attempts at one account from everywhere: NIST SP 800-63B, 5.2.2 wants no more than a hundred in a row. One address
cannot use them up, so nobody is locked out by a single other one."""

EXPORTS: Final = Rate(10, _HOUR)
"""Exports of one principal: each reads all that is kept of it."""


class Throttle:
    """Counts attempts; without counters it lets everything pass.

    Args:
        counters: What all workers count with.
        keyring: What e-mails are hidden by: keys of counters may be kept outside of this process.
    """

    def __init__(self, counters: Counters | None, keyring: Keyring) -> None:
        self._counters = counters
        self._keyring = keyring

    async def sign_up(self, address: str) -> None:
        """Count a new account.

        Raises:
            RateLimited: There were too many; it says when the next may be.
        """
        await self._take("sign-up", address, SIGN_UPS)

    async def attempt(self, email: str, address: str) -> None:
        """Count an attempt at an account, whether there is such a one or not.

        Raises:
            RateLimited: There were too many; it says when the next may be.
        """
        digest = hmac.digest(self._keyring.current("throttle"), email.encode(), "sha256").hex()[:32]
        await self._take("sign-in-from", address, ATTEMPTS_FROM)
        if address:
            await self._take("sign-in-at-from", f"{digest}:{address}", ATTEMPTS_AT_FROM)
        await self._take("sign-in-at", digest, ATTEMPTS_AT)

    async def export(self, principal_id: str) -> None:
        """Count an export.

        Raises:
            RateLimited: There were too many; it says when the next may be.
        """
        await self._take("export", principal_id, EXPORTS)

    async def _take(self, what: str, whose: str, rate: Rate) -> None:
        if self._counters is None or not whose:  # an address that is not known is everybody's
            return
        standing = await self._counters.take(f"accounts:{what}:{whose}", rate)
        if not standing.allowed:
            raise RateLimited(
                "Too many attempts. Please wait a moment.", retry_after_seconds=standing.retry_after_seconds
            )

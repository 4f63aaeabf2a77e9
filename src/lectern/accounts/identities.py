"""Lectern's own accounts as a source of who somebody is."""

from collections.abc import Mapping

from lectern.accounts.tokens import COOKIE, PREFIX, Tokens
from lectern.errors import LecternError, Unauthorized
from lectern.ports import Account, Accounts, Part, State
from lectern.principal import Principal


class AccountIdentities:
    """Implements `lectern.ports.IdentitySource`.

    Each token is looked up at each use, so that a sign-out holds in every worker at once. While the database is down a
    token therefore says nothing: a signature alone would let those in who have signed out.

    Args:
        accounts: Where logins are kept.
        tokens: Reads tokens.
    """

    def __init__(self, accounts: Accounts, tokens: Tokens) -> None:
        self._accounts, self._tokens = accounts, tokens
        self._state: State = "unknown"

    async def by_token(self, token: str) -> Principal | None:
        """Whose login this is."""
        if not token.startswith(PREFIX):
            return None
        principal = await self._principal(token)
        if principal is None:
            raise Unauthorized
        return principal

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:
        """Whose login the cookie carries."""
        token = cookies.get(COOKIE, "")
        return await self._principal(token) if token.startswith(PREFIX) else None

    async def _principal(self, token: str) -> Principal | None:
        login = self._tokens.read(token)
        if login is None:
            return None
        try:
            account = await self._accounts.by_login(login.id, login.account_id)
        except LecternError:
            self._state = "down"
            raise
        self._state = "ok"
        return None if account is None else principal_of(account)

    def describe(self) -> Part:
        """As the last look at a login went."""
        return Part("accounts", "own accounts", self._state)

    async def warm(self) -> None:
        """Nothing to do: the database is the store's."""

    async def close(self) -> None:
        """Nothing to do: the database is the store's."""


def principal_of(account: Account) -> Principal:
    """Who an account's owner is."""
    return Principal("account", account.id, name=account.name, email=account.email)

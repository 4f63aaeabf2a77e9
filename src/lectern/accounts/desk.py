"""What is done with accounts: sign up, sign in, sign out, leave. Knows no web framework."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from lectern.accounts import emails
from lectern.accounts.identities import principal_of
from lectern.accounts.passwords import Passwords
from lectern.accounts.throttle import Throttle
from lectern.accounts.tokens import Tokens
from lectern.errors import AccountsOff, InvalidCredentials, LecternError, Unauthorized
from lectern.ports import Account, Accounts, Conversations, Login, Profile
from lectern.principal import Principal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account whose owner has just shown who it is.

    Attributes:
        account: Which.
        profile: What its owner told.
        login: The new login.
        token: What carries it; given out once, never logged.
    """

    account: Account
    profile: Profile
    login: Login
    token: str


class AccountDesk:
    """Everything about accounts that is not how it is asked for.

    Args:
        accounts: Where they are kept.
        passwords: Makes and checks hashes.
        tokens: Writes and reads tokens.
        throttle: Counts attempts.
        login_seconds: How long a login holds.
        is_open: Whether one can sign up and in here; where a login server does that, profiles are kept all the same.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        passwords: Passwords,
        tokens: Tokens,
        throttle: Throttle,
        login_seconds: int,
        is_open: bool,
    ) -> None:
        self.accounts = accounts
        self.throttle = throttle
        self.login_seconds = login_seconds
        self._passwords, self._tokens = passwords, tokens
        self._is_open = is_open

    async def sign_up(
        self, email: str, password: str, name: str, told: Mapping[str, object], *, address: str
    ) -> SignedIn:
        """Make an account and sign it in. The hash is made before anything is known of the e-mail.

        Args:
            email: As it was typed.
            password: In its normal form.
            name: What to call its owner, or empty.
            told: Its profile; what is None is not kept.
            address: Where this comes from.

        Raises:
            AccountsOff: Nobody can sign up here.
            InvalidRequest: The e-mail is none.
            RateLimited: Too many sign up from there.
            EmailTaken: There is an account with this e-mail.
            TooBusy: Too many hashes are under way.
        """
        known = self._normal(email)
        await self.throttle.sign_up(address)
        password_hash = await self._passwords.hash(password)
        now = datetime.now(UTC)
        account = Account(str(uuid4()), known, name, password_hash, created_at=now, updated_at=now)
        profile = _profile(told)
        login = self._login(account, now)
        await self.accounts.sign_up(account, profile, login)
        return SignedIn(account, profile, login, self._tokens.write(login))

    async def sign_in(self, email: str, password: str, *, address: str) -> SignedIn:
        """Sign somebody in. An unknown e-mail and a wrong password take the same work and have the same answer.

        Args:
            email: As it was typed.
            password: In its normal form.
            address: Where this comes from.

        Raises:
            AccountsOff: Nobody can sign in here.
            InvalidRequest: The e-mail is none.
            RateLimited: There were too many attempts.
            InvalidCredentials: They do not belong together.
            TooBusy: Too many hashes are under way.
        """
        known = self._normal(email)
        account = await self._checked(known, password, address)
        if self._passwords.is_outdated(account.password_hash):
            await self.accounts.rehash(account, await self._passwords.hash(password))
        login = self._login(account, datetime.now(UTC))
        await self.accounts.begin(login)
        profile = await self.accounts.profile(principal_of(account).id)
        return SignedIn(account, profile, login, self._tokens.write(login))

    async def claim(self, conversations: Conversations | None, visitor: Principal | None, signed_in: SignedIn) -> None:
        """Give a visitor's conversations to the account it turned out to be. A sign-in does not fail over it."""
        if conversations is None or visitor is None:
            return
        try:
            await conversations.claim(visitor.id, principal_of(signed_in.account).id)
        except LecternError as error:
            logger.warning("A visitor's conversations could not be given to its account: %s", error.code)

    async def sign_out(self, token: str) -> None:
        """End the login of a token; one that is none, or has ended, is ended."""
        login = self._tokens.read(token)
        if login is not None:
            await self.accounts.end(login.id)

    def login_of(self, token: str) -> Login | None:
        """The login that a token names, if we have signed it and it has not expired."""
        return self._tokens.read(token)

    async def confirm(self, principal: Principal, password: str | None, *, address: str) -> None:
        """Check that an account's owner asks, not somebody at its open page; others have no password here.

        Raises:
            RateLimited: There were too many attempts.
            InvalidCredentials: The password is wrong, or missing.
            Unauthorized: The account is gone.
            TooBusy: Too many hashes are under way.
        """
        if principal.kind != "account":
            return
        if password is None:
            raise InvalidCredentials('This needs the account\'s password, as {"password": …}.')
        account = await self.accounts.by_id(principal.subject)
        if account is None:
            raise Unauthorized
        await self._checked(account.email, password, address)

    async def _checked(self, email: str, password: str, address: str) -> Account:
        await self.throttle.attempt(email, address)
        account = await self.accounts.by_email(email)
        matches = await self._passwords.verify(account.password_hash if account else None, password)
        if account is None or not matches:
            raise InvalidCredentials
        return account

    def _normal(self, email: str) -> str:
        if not self._is_open:
            raise AccountsOff
        return emails.normal(email)

    def _login(self, account: Account, now: datetime) -> Login:
        return Login(str(uuid4()), account.id, created_at=now, expires_at=now + timedelta(seconds=self.login_seconds))


def _profile(told: Mapping[str, object]) -> Profile:
    return {name: value for name, value in told.items() if isinstance(value, str | list)}

"""Who somebody is, as far as the site's Better Auth server says: by its tokens, and by its cookies.

A token is told by its form: a JSON Web Token by its header, a session's by its signature. What decides is the key that
a token is checked with, and never what the token says of itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lectern import key_set
from lectern.adapters import better_auth_cookies as cookie_jar
from lectern.adapters import jwt_claims
from lectern.adapters.better_auth_sessions import BetterAuthSessions, moment
from lectern.adapters.jwks import Keys
from lectern.adapters.jwt_verification import SHARED, check_shared, check_signed, header_of
from lectern.errors import StoreUnavailable, Unauthorized
from lectern.ports import MOST_CREDENTIAL_CHARACTERS, Part, State
from lectern.principal import Principal


@dataclass(frozen=True, slots=True)
class SignedTokens:
    """How tokens are checked that the server signs with a private key.

    Attributes:
        keys: Its public ones.
        issuer: The `iss` that a token must have.
        audience: One that must be in its `aud`.
    """

    keys: Keys
    issuer: str
    audience: str


class BetterAuth:
    """Implements `lectern.ports.IdentitySource`.

    Args:
        signed: How tokens with a public key's algorithm are checked; None takes none.
        secret: The server's, which its cookies and HS256 tokens are signed with; None takes none.
        sessions: Where its sessions are looked up; None where its tables cannot be.
    """

    def __init__(
        self,
        *,
        signed: SignedTokens | None = None,
        secret: str | None = None,
        sessions: BetterAuthSessions | None = None,
    ) -> None:
        self._signed = signed
        self._secret = secret
        self._sessions = sessions

    async def by_token(self, token: str) -> Principal | None:
        """Who carries this JSON Web Token, or this session's signed token as Better Auth's bearer plugin gives it."""
        if len(token) > MOST_CREDENTIAL_CHARACTERS:
            raise Unauthorized
        header = header_of(token)
        if header is not None:
            return await self._by_jwt(token, header)
        if self._secret is None or self._sessions is None:
            return None
        opened = cookie_jar.opened(token, self._secret)
        return await self._sessions.find(opened) if opened else None

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:
        """Whose session it is: as the database says if that can be asked, else as Better Auth's own cache says."""
        if self._secret is None:
            return None
        value = cookie_jar.session_token(cookies)
        token = cookie_jar.opened(value, self._secret) if value else None
        cached_token, cached = _cached(cookie_jar.session_data(cookies), self._secret)
        token = token or cached_token
        if self._sessions is not None and token:
            try:
                if found := await self._sessions.find(token):
                    return found
            except Unauthorized:  # it ended on the site, whatever a cache still says
                return None
            except StoreUnavailable:
                if cached is None:
                    raise
        return cached

    def describe(self) -> Part:
        """What is taken, and how it stands with the keys."""
        state: State = "ok"
        notes = []
        if self._signed is not None:
            state, note = self._signed.keys.standing()
            notes.append(note)
        if self._secret is not None:
            notes.append("its secret")
        if self._sessions is not None and self._sessions.are_here:
            notes.append("its sessions in the database")
        return Part("login", "Better Auth", state, "; ".join(notes))

    async def warm(self) -> None:
        """Begin to fetch the keys."""
        if self._signed is not None:
            await self._signed.keys.warm()

    async def close(self) -> None:
        """Give back connections. The database is another's."""
        if self._signed is not None:
            await self._signed.keys.close()

    async def _by_jwt(self, token: str, header: Mapping[str, Any]) -> Principal:
        algorithm, kid = header.get("alg"), header.get("kid")
        found = None
        # With `crit` or `b64` it wants something to be understood that is not.
        if not isinstance(algorithm, str) or not isinstance(kid, str | None) or header.keys() & {"crit", "b64"}:
            raise Unauthorized
        if algorithm == SHARED and self._secret is not None:
            found = jwt_claims.user_of(check_shared(token, self._secret), jwt_claims.SHARED)
        elif algorithm in key_set.ALGORITHMS and self._signed is not None:
            key = await self._signed.keys.find(kid, algorithm)
            if key is not None:
                claims = check_signed(token, key, issuer=self._signed.issuer, audience=self._signed.audience)
                found = jwt_claims.user_of(claims, jwt_claims.SIGNED)
        if found is None:
            raise Unauthorized
        return found


def _cached(value: str | None, secret: str) -> tuple[str | None, Principal | None]:
    """The session's token and its user, by Better Auth's cache in a cookie (strategy `jwt`), each if it is there."""
    if not value or len(value) > MOST_CREDENTIAL_CHARACTERS or (header_of(value) or {}).get("alg") != SHARED:
        return None, None
    try:
        claims = check_shared(value, secret)
    except Unauthorized:
        return None, None
    session, user = claims.get("session"), claims.get("user")
    if not isinstance(session, dict) or not isinstance(user, dict):
        return None, None
    ends, token = moment(session.get("expiresAt")), session.get("token")
    if ends is None or ends <= datetime.now(UTC):
        return None, None
    found = jwt_claims.user(user.get("id"), user.get("name"), user.get("email"))
    return (token if isinstance(token, str) else None), found

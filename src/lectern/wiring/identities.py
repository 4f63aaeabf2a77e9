"""Settings → who may tell who somebody is. What checks tokens is imported when it is needed only."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lectern.config import Settings
from lectern.origin_address import normal
from lectern.ports import IdentitySource
from lectern.wiring.tls import shared_context

if TYPE_CHECKING:
    from lectern.adapters.better_auth import SignedTokens
    from lectern.adapters.jwks import Keys
    from lectern.adapters.sql_database import Database


def build_identities(settings: Settings, database: "Database") -> tuple[IdentitySource, ...]:
    """Whoever is configured, in the order in which they are asked; touches neither network nor disk.

    Args:
        settings: Read from the environment.
        database: The one that conversations are kept in.
    """
    secret = settings.better_auth_secret
    if not (settings.better_auth_url or settings.better_auth_jwks or secret):
        return ()
    from lectern.adapters.better_auth import BetterAuth  # noqa: PLC0415 - imports cryptography, when it is needed
    from lectern.adapters.better_auth_sessions import BetterAuthSessions  # noqa: PLC0415 - as above

    # A file that Lectern made itself holds nobody else's tables.
    chosen = settings.database_url or settings.neon_api_key
    return (
        BetterAuth(
            signed=_signed_tokens(settings),
            secret=secret.get_secret_value() if secret else None,
            sessions=BetterAuthSessions(database) if secret and chosen else None,
        ),
    )


def _signed_tokens(settings: Settings) -> "SignedTokens | None":
    """How tokens are checked that are signed with a private key; Better Auth names its origin in both claims."""
    from lectern.adapters.better_auth import SignedTokens  # noqa: PLC0415 - as above

    url = settings.better_auth_url
    if url is None and settings.better_auth_jwks is None:
        return None
    parts = urlsplit(url or "")
    origin = normal(f"{parts.scheme}://{parts.netloc}") if url else ""
    issuer, audience = settings.better_auth_issuer or origin, settings.better_auth_audience or origin
    return SignedTokens(_keys(settings), issuer, audience)


def _keys(settings: Settings) -> "Keys":
    from lectern import key_set  # noqa: PLC0415 - as above
    from lectern.adapters.fetched_keys import FetchedKeys  # noqa: PLC0415 - as above
    from lectern.adapters.jwks import PinnedKeys, jwks_url  # noqa: PLC0415 - as above
    from lectern.adapters.jwks_file import JwksFile  # noqa: PLC0415 - as above
    from lectern.adapters.jwt_verification import VerifyingKeys  # noqa: PLC0415 - as above
    from lectern.adapters.provider import Provider  # noqa: PLC0415 - as above

    if settings.better_auth_jwks is not None:
        return PinnedKeys(VerifyingKeys(key_set.read(settings.better_auth_jwks)))
    assert settings.better_auth_url is not None
    url = jwks_url(settings.better_auth_url)
    provider = Provider(
        base_url=url,
        api_key=None,
        tls=shared_context() if url.startswith("https") else None,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        # What is not packed cannot be larger than it looks.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )
    return FetchedKeys(provider, JwksFile(settings.login_keys_file, url))

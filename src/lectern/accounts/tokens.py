"""A login's token: signed, so that what is made up costs no question of the database; and kept, so that it can end."""

from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from lectern.keyring import Keyring
from lectern.ports import Login

PREFIX: Final = "lectern_"
"""What each token begins with: so that other sources leave it alone."""

COOKIE: Final = "lectern_login"
"""The cookie that carries a token."""

_PURPOSE: Final = "login"


class Tokens:
    """Writes and reads tokens.

    Args:
        keyring: The newest secret signs; what an older one signed holds until it expires.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def write(self, login: Login) -> str:
        """The token of a login."""
        expires = int(login.expires_at.timestamp())
        created = int(login.created_at.timestamp())
        text = self._serializer.dumps([UUID(login.id).hex, UUID(login.account_id).hex, created, expires])
        assert isinstance(text, str)
        return PREFIX + text

    def read(self, token: str) -> Login | None:
        """The login that a token names, whether it still holds or not; None when we have not signed it, or it expired.

        Its moments are cut to whole seconds.
        """
        try:
            login, account, created, expires = self._serializer.loads(token.removeprefix(PREFIX))
        except BadData:
            return None
        moments = (datetime.fromtimestamp(second, UTC) for second in (created, expires))
        found = Login(str(UUID(login)), str(UUID(account)), *moments)
        return found if found.expires_at > datetime.now(UTC) else None

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        # The library wants the newest key last, and uses each as it is: they have one purpose already.
        keys = list(reversed(self._keyring.every(_PURPOSE)))
        return URLSafeSerializer(keys, signer_kwargs={"key_derivation": "none", "digest_method": sha256})

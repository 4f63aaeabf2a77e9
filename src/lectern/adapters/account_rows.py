"""Accounts and profiles as rows: what is personal sealed, and e-mails found by a keyed digest."""

import hmac
import json
import logging
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row

from lectern.adapters.field_cipher import FieldCipher, FieldUnreadable
from lectern.keyring import Keyring
from lectern.ports import Account, Profile

logger = logging.getLogger(__name__)


class AccountRows:
    """Makes rows and reads them.

    Args:
        keyring: Whose newest secret makes digests and seals, and whose older ones still find and open.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._cipher = FieldCipher(keyring)

    def digest(self, email: str) -> str:
        """What a new row's e-mail is found by: HMAC-SHA256, so that nobody tries addresses against a dump."""
        return _digest(self._keyring.current("email"), email)

    def digests(self, email: str) -> list[str]:
        """What a row's e-mail may be found by."""
        return [_digest(key, email) for key in self._keyring.every("email")]

    def of_account(self, account: Account) -> dict[str, Any]:
        """The values of an account's row."""
        return {
            "id": UUID(account.id),
            **self.sealed(account.id, email=account.email, name=account.name),
            "password_hash": account.password_hash,
            "created_at": account.created_at,
            "updated_at": account.updated_at,
        }

    def sealed(self, account_id: str, *, email: str, name: str) -> dict[str, str]:
        """The personal values of an account's row."""
        return {
            "email_digest": self.digest(email),
            "email": self._cipher.seal(email, table="accounts", column="email", row=account_id),
            "name": self._cipher.seal(name, table="accounts", column="name", row=account_id),
        }

    def account(self, row: Row[Any]) -> Account:
        """The account of a row; what no secret opens is empty."""
        try:
            email, name = self.opened_account(row)
        except FieldUnreadable:
            email = name = _missed("accounts")
        return Account(
            id=str(row.id),
            email=email,
            name=name,
            password_hash=row.password_hash,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def opened_account(self, row: Row[Any]) -> tuple[str, str]:
        """The e-mail and the name of an account's row.

        Raises:
            FieldUnreadable: No secret opens them.
        """
        account_id = str(row.id)
        email = self._cipher.open(row.email, table="accounts", column="email", row=account_id)
        return email, self._cipher.open(row.name, table="accounts", column="name", row=account_id)

    def of_profile(self, principal_id: str, profile: Profile) -> str:
        """A profile as its column keeps it."""
        told = json.dumps(profile, ensure_ascii=False)
        return self._cipher.seal(told, table="profiles", column="fields", row=principal_id)

    def profile(self, principal_id: str, kept: str) -> Profile:
        """The profile that a column keeps; empty when no secret opens it, so that its owner can tell it anew."""
        try:
            return self.opened_profile(principal_id, kept)
        except FieldUnreadable:
            _missed("profiles")
            return {}

    def opened_profile(self, principal_id: str, kept: str) -> Profile:
        """The profile that a column keeps.

        Raises:
            FieldUnreadable: No secret opens it.
        """
        opened = self._cipher.open(kept, table="profiles", column="fields", row=principal_id)
        return cast("Mapping[str, str | list[str]]", json.loads(opened))


def _missed(table: str) -> str:
    """Nothing, in the place of what no secret opens."""
    logger.error("A row of %s opens with no secret; add the one that closed it to SECRET_KEY_FALLBACKS", table)
    return ""


def _digest(key: bytes, email: str) -> str:
    return hmac.digest(key, email.encode(), "sha256").hex()

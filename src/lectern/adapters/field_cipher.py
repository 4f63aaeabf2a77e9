"""Personal fields, encrypted one by one: a dump of the database, or a backup of it, tells nothing of a person.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for each value, which holds for 2^32 values of one key (8.3
there). Where a value stands is authenticated with it, so that one moved to another row or column does not open.
"""

import base64
import binascii
import os
from typing import Final

from lectern.keyring import Keyring

_VERSION: Final = "v1."
"""What each value begins with; another cipher gets another one."""

_NONCE_BYTES: Final = 12


class FieldUnreadable(Exception):
    """A value opens with none of the secrets, or is not one of ours. Never says what it is."""


class FieldCipher:
    """Seals and opens the values of columns.

    Args:
        keyring: The newest secret seals; all of them open.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, text: str, *, table: str, column: str, row: str) -> str:
        """The text as it is kept in this place."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - for those who have accounts

        nonce = os.urandom(_NONCE_BYTES)
        data = text.encode("utf-8", "surrogatepass")
        sealed = AESGCM(self._keyring.current("fields")).encrypt(nonce, data, _place(table, column, row))
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, kept: str, *, table: str, column: str, row: str) -> str:
        """The text that is kept in this place.

        Raises:
            FieldUnreadable: No secret opens it.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        if not kept.startswith(_VERSION):
            raise FieldUnreadable
        try:
            data = base64.b64decode(kept.removeprefix(_VERSION), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise FieldUnreadable from None
        nonce, sealed = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        for key in self._keyring.every("fields"):
            try:
                return AESGCM(key).decrypt(nonce, sealed, _place(table, column, row)).decode("utf-8", "surrogatepass")
            except (InvalidTag, ValueError):  # ValueError: a nonce that was cut
                continue
        raise FieldUnreadable


def _place(table: str, column: str, row: str) -> bytes:
    return f"{table}.{column}:{row}".encode()

"""One secret, many keys."""

import hashlib
import hmac

import pytest

from lectern.keyring import Keyring

OLD, NEW = b"an old secret of 32 characters ..", b"a new secret of 32 characters ..."


def test_each_purpose_has_a_key_of_its_own() -> None:
    """It is HKDF-Expand's first block (RFC 5869, 2.3), so what knows one key tells nothing of another."""
    keyring = Keyring([NEW])
    assert keyring.current("visitor") == hmac.new(NEW, b"visitor\x01", hashlib.sha256).digest()
    assert len({keyring.current("visitor"), keyring.current("login"), keyring.current("")}) == 3


def test_the_newest_secret_makes_and_all_read() -> None:
    """What an earlier secret made can still be opened; what is made is the newest one's."""
    keyring = Keyring([NEW, OLD])
    assert keyring.every("login") == (Keyring([NEW]).current("login"), Keyring([OLD]).current("login"))
    assert keyring.current("login") == keyring.every("login")[0]


def test_a_kept_secret_is_read_once_and_at_its_first_use() -> None:
    """Nothing is read where the app is made, and no request after the first waits for it."""
    reads: list[int] = []

    def read() -> list[bytes]:
        reads.append(1)
        return [NEW]

    keyring = Keyring(read)
    assert (repr(keyring), reads) == ("Keyring()", [])
    keyring.load()
    assert keyring.current("login") == Keyring([NEW]).current("login")
    assert keyring.every("visitor")
    assert reads == [1]


def test_no_secret_is_no_keyring() -> None:
    """Signing with nothing would be signing with what everybody knows."""
    with pytest.raises(ValueError, match="needs a secret"):
        Keyring([])
    with pytest.raises(ValueError, match="needs a secret"):
        Keyring(list).current("login")

"""Sealed fields: the same text looks different each time, and opens only here, whole, with a secret that is known."""

import base64

import pytest

from lectern.adapters.field_cipher import FieldCipher, FieldUnreadable
from lectern.keyring import Keyring

HERE = {"table": "accounts", "column": "name", "row": "1"}


@pytest.mark.parametrize("text", ["Ada", "", "Żółć 🦉", "\ud800", "x" * 100_000, "\x00"])
def test_what_was_sealed_opens(text: str) -> None:
    """Any text comes back; sealed twice it looks like two."""
    cipher = FieldCipher(Keyring([b"one"]))
    kept = cipher.seal(text, **HERE)
    assert kept.startswith("v1.")
    assert kept.isascii()
    assert kept != cipher.seal(text, **HERE)
    assert cipher.open(kept, **HERE) == text


def test_an_older_secret_opens_and_the_newest_seals() -> None:
    """While the old one is listed; not afterwards."""
    old, both, new = (FieldCipher(Keyring(secrets)) for secrets in ([b"old"], [b"new", b"old"], [b"new"]))
    assert both.open(old.seal("Ada", **HERE), **HERE) == "Ada"
    assert new.open(both.seal("Ada", **HERE), **HERE) == "Ada"
    with pytest.raises(FieldUnreadable):
        new.open(old.seal("Ada", **HERE), **HERE)


@pytest.mark.parametrize("elsewhere", [{"table": "profiles"}, {"column": "email"}, {"row": "2"}])
def test_it_opens_in_its_own_place_only(elsewhere: dict[str, str]) -> None:
    """A value that was moved to another table, column or row does not open."""
    cipher = FieldCipher(Keyring([b"one"]))
    kept = cipher.seal("Ada", **HERE)
    with pytest.raises(FieldUnreadable):
        cipher.open(kept, **HERE | elsewhere)


def test_every_changed_bit_is_seen() -> None:
    """Nonce, text and tag alike."""
    cipher = FieldCipher(Keyring([b"one"]))
    data = base64.urlsafe_b64decode(cipher.seal("Ada", **HERE).removeprefix("v1."))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(FieldUnreadable):
            cipher.open("v1." + base64.urlsafe_b64encode(changed).decode(), **HERE)


@pytest.mark.parametrize("kept", ["", "Ada", "v1.", "v1.AAAA", "v1.~~~~", "v2.AAAA", "v1.é", "v1." + "A" * 15])
def test_what_is_none_of_ours_does_not_open(kept: str) -> None:
    """Plain text in the column, or half a value, is no value."""
    with pytest.raises(FieldUnreadable):
        FieldCipher(Keyring([b"one"])).open(kept, **HERE)

"""What a key looks like: told from everything else, and from itself when it is damaged."""

import hashlib
import re
import string

import pytest

from lectern.integrations.tokens import digest_of, hint_of, new_token

KEY = "lk_" + "A" * 43 + "5NW1dQ"
"""One whose random bytes are all zero."""


def test_a_key_has_its_form() -> None:
    """A prefix, 43 characters of 32 bytes and six of a checksum, so that a scanner of secrets finds it."""
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"lk_[A-Za-z0-9_-]{49}", token) for token in tokens)


def test_the_digest_is_the_keys_sha_256() -> None:
    """Of all of it, so that the same key is found whichever version of this code made it."""
    token = new_token()
    assert digest_of(token) == hashlib.sha256(token.encode()).hexdigest()
    assert digest_of(KEY) == hashlib.sha256(KEY.encode()).hexdigest()


def test_the_hint_is_the_end() -> None:
    """Four characters."""
    assert hint_of(KEY) == KEY[-4:]


def test_any_changed_character_is_noticed() -> None:
    """Each one, at each place; without asking anybody."""
    token = new_token()
    letters = string.ascii_letters + string.digits + "-_"
    for place, was in enumerate(token):
        for letter in letters:
            changed = token[:place] + letter + token[place + 1 :]
            assert (digest_of(changed) is None) == (letter != was)


@pytest.mark.parametrize(
    "text",
    ["", "lk_", "lk", KEY[:-1], KEY + "A", KEY + "\n", " " + KEY, "LK_" + KEY[3:], KEY.replace("A", "é"), "lk_" * 3000],
)
def test_what_is_no_key_has_no_digest(text: str) -> None:
    """Cut, longer, of other letters, or something else."""
    assert digest_of(text) is None

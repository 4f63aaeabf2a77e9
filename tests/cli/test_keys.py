"""`./entrypoint.sh keys`, as an operator runs it: what is printed where, and what is refused."""

import re
from pathlib import Path

import pytest
from tests.service_process import run_verb


def test_a_key_is_added_listed_and_revoked(tmp_path: Path) -> None:
    """In a folder in which nothing was served yet; the key stands alone on the standard output, once."""
    added = run_verb(tmp_path, "keys", "add", " Support [bold] bot ", "--limits", "60 / Minute", "--days", "90")
    assert added.returncode == 0, added.stderr
    assert re.fullmatch(r"lk_[A-Za-z0-9_-]{49}\n", added.stdout)
    found = re.search(r"its id is ([0-9a-f-]{36})\.", added.stderr)
    assert found
    assert "A key for Support [bold] bot, 60/minute, until 20" in added.stderr
    assert added.stdout.strip() not in added.stderr
    listed = run_verb(tmp_path, "keys", "list")
    assert re.fullmatch(
        rf"{found[1]}  …{added.stdout[-5:-1]}  \S+  until \S+, 60/minute  Support \[bold\] bot\n", listed.stdout
    )
    revoked = run_verb(tmp_path, "keys", "revoke", found[1])
    assert (revoked.returncode, revoked.stdout.split(".")[0]) == (0, "Revoked")
    assert re.search(r"  revoked 20\S+, 60/minute  ", run_verb(tmp_path, "keys", "list").stdout)


def test_an_unknown_key_is_told(tmp_path: Path) -> None:
    """In one line, with a code that a script can read; and that there are none."""
    assert run_verb(tmp_path, "prepare", "schema").returncode == 0
    refused = run_verb(tmp_path, "keys", "revoke", "none")
    assert (refused.returncode, refused.stderr) == (65, "lectern keys: There is no key with this id.\n")
    assert run_verb(tmp_path, "keys", "list").stdout == "There is no key.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("",), "NAME: must not be empty"),
        (("a" * 101,), "NAME: must have at most 100 characters"),
        (("bot", "--limits", "often"), "--limits: must be NUMBER/second, minute, hour or day, with a number from 1"),
        (("bot", "--days", "0"), "--days: must be a number from 1 to 3650"),
        (("bot", "--days", "9" * 5000), "--days: must be a number from 1 to 3650"),
    ],
    ids=["no name", "long name", "no rate", "no days", "many days"],
)
def test_a_bad_wish_makes_no_key(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """It is told what is wrong, and nothing is printed that could be taken for a key."""
    refused = run_verb(tmp_path, "keys", "add", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert told in refused.stderr

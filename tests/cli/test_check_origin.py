"""`check --origin`, as an operator runs it."""

from pathlib import Path

import pytest
from tests.service_process import run_verb

pytestmark = pytest.mark.process

SPACE = {
    "SPACE_ID": "acme/docs",
    "SPACE_HOST": "acme-docs.hf.space",
    "LECTERN_DEMO": "1",
    "CORS_ALLOWED_ORIGINS": "https://docs.example.org, https://*-team.vercel.app",
}

NOT = "http://docs.example.org is not allowed: not listed."


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("https://docs.example.org", 0, "https://docs.example.org is allowed: exact https://docs.example.org.\n"),
        (
            "https://docs.example.org/intro?x#y",
            0,
            "https://docs.example.org is allowed: exact https://docs.example.org.\n",
        ),
        ("https://a-team.vercel.app", 0, "https://a-team.vercel.app is allowed: pattern https://*-team.vercel.app.\n"),
        ("https://acme-docs.hf.space/", 0, "https://acme-docs.hf.space is allowed: the Space's host.\n"),
        ("http://docs.example.org", 1, f"{NOT} https://docs.example.org is allowed; http and https are two origins.\n"),
        ("https://evil.example", 1, "https://evil.example is not allowed: not listed. Add it to CORS_ALLOWED_ORIGINS"),
    ],
)
def test_an_origin_is_explained(tmp_path: Path, url: str, code: int, said: str) -> None:
    """It says allowed or not, by which rule or what is nearly right, and its exit code says the same."""
    done = run_verb(tmp_path, "check", "--origin", url, **SPACE)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(said)


def test_a_wrong_list_is_told_before_anything_else(tmp_path: Path) -> None:
    """Every entry that strangers' pages would match is named with what to write, and nothing starts."""
    listed = "https://*.vercel.app,docs.example.org"
    done = run_verb(tmp_path, "check", "--origin", "https://x.example", CORS_ALLOWED_ORIGINS=listed)
    assert done.returncode == 78
    for part in ("CORS_ALLOWED_ORIGINS held", "as https://*-team.vercel.app", "write https://docs.example.org"):
        assert part in done.stderr

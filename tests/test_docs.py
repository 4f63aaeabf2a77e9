"""The docs say what is there; what they do not name fails here."""

import re
from pathlib import Path
from typing import get_args

import pytest

from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import LecternError
from lectern.events import Event

ROOT = Path(__file__).parents[1]
API = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def codes(kind: type[LecternError]) -> set[str]:
    """The codes of all errors of `errors.py` below one."""
    own = {child.code for child in kind.__subclasses__() if child.__module__ == "lectern.errors"}
    return own.union(*(codes(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize("code", sorted(codes(LecternError)))
def test_every_error_is_documented(code: str) -> None:
    """A client finds each public code in the API's table."""
    assert f"`{code}`" in API


@pytest.mark.parametrize("event", [event.__name__.lower() for event in get_args(Event)])
def test_every_event_is_documented(event: str) -> None:
    """A client finds each event of a stream in the API's table."""
    assert f"| `{event}` |" in API


def test_every_route_is_documented(settings: Settings) -> None:
    """Each address of the API stands in its document."""
    for path, methods in create_app(settings).openapi()["paths"].items():
        shown = re.sub(r"\{session_id\}", "{id}", path).replace("{site}{route}", "{site}/…")
        for method in methods:
            assert f"`{method.upper()} {shown}`" in API, f"{method} {shown}"


def test_every_room_is_on_the_map() -> None:
    """A newcomer finds each package and each top-level module in the layout."""
    layout = ARCHITECTURE.partition("## Layout")[2].partition("##")[0]
    for room in sorted((ROOT / "src" / "lectern").iterdir()):
        if room.name.startswith("__"):
            continue
        name = room.name if room.suffix else f"{room.name}/"
        assert name in layout, name


def threats() -> list[str]:
    """The rows of the threat table."""
    rows = SECURITY.partition("## Threats")[2].splitlines()
    return [row for row in rows if row.startswith("| ")][1:]


@pytest.mark.parametrize("row", threats(), ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_threat_names_a_test_that_is_there(row: str) -> None:
    """A defence without a test is a hope; a test that was renamed leaves its row without one."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row.rsplit("|", 2)[1])
    assert named
    for path, name in named:
        assert (ROOT / path).is_file(), path
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(?:async )?def {name}\(", text, re.MULTILINE), name


def test_every_link_between_documents_leads_somewhere() -> None:
    """A relative link in README or docs names a file that exists."""
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"

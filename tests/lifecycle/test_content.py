"""What the fingerprint of a folder sees, and what it does not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lectern.lifecycle.content import fingerprint_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pages, and a file that a page may include."""
    folder = tmp_path / "content"
    (folder / "guide").mkdir(parents=True)
    (folder / "index.md").write_text("# Home\n")
    (folder / "guide" / "start.mdx").write_text("# Start\n")
    (folder / "guide" / "example.py").write_text("print(1)\n")
    return folder


def fingerprint(
    folder: Path, *, site: str = "docs", base_url: str = "/pages/docs", model: str | None = None
) -> str | None:
    """With defaults for what a test does not change."""
    return fingerprint_of(folder, site=site, base_url=base_url, model=model)


def write(path: str, text: str) -> Callable[[Path], None]:
    """A change of one file."""

    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)

    return change


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited, as long as before": write("index.md", "# Hone\n"),
    "new": write("new.md", "# New\n"),
    "gone": lambda folder: (folder / "index.md").unlink(),
    "renamed": lambda folder: (folder / "index.md").rename(folder / "home.md"),
    "moved text": lambda folder: [
        (folder / "index.md").write_text("# Home\n#"),
        (folder / "guide/start.mdx").write_text(" Start\n"),
    ],
    "included file": write("guide/example.py", "print(12)\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(folder: Path, change: Callable[[Path], object]) -> None:
    """Whatever changes a page, or what a page includes, changes the fingerprint."""
    before = fingerprint(folder)
    change(folder)
    assert fingerprint(folder) != before


def test_where_it_goes_counts(folder: Path) -> None:
    """The same pages of another site, address or model are another index."""
    assert (
        len(
            {
                fingerprint(folder),
                fingerprint(folder, site="x"),
                fingerprint(folder, base_url="/x"),
                fingerprint(folder, model="m"),
            }
        )
        == 4
    )


def test_a_copy_is_the_same(folder: Path, tmp_path: Path) -> None:
    """A layer of an image keeps names, bytes and whole seconds; hidden files and packages do not count."""
    copy = tmp_path / "elsewhere"
    for file in sorted(folder.rglob("*.*"), reverse=True):
        target = copy / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
        os.utime(target, (0, int(file.stat().st_mtime)))
    for name in (".git", "node_modules"):
        (copy / name).mkdir()
        (copy / name / "page.md").write_text("# No page\n")
    assert fingerprint(copy) == fingerprint(folder)


def test_a_folder_without_pages_has_none(tmp_path: Path) -> None:
    """Nothing to index is nothing to refresh."""
    (tmp_path / "logo.svg").write_text("<svg/>")
    assert fingerprint(tmp_path) is None


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """It never looks like one without pages."""
    with pytest.raises(OSError, match="nowhere"):
        fingerprint(tmp_path / "nowhere")

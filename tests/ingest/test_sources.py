import os
from pathlib import Path

import pytest

from lectern.ingest.sources import ListingFailed, Skipped, Source, find_sources, load_source


def write(root: Path, *paths: str, text: str = "Text\n") -> None:
    """Make files with their folders."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def found(root: Path) -> dict[str, str]:
    """Each path with `page`, or the reason why it is none."""
    return {item.path: item.reason if isinstance(item, Skipped) else "page" for item in find_sources(root)}


def test_pages_come_in_order(tmp_path: Path) -> None:
    """Markdown of all three endings, depth first, ordered by name; other files are passed over."""
    write(tmp_path, "b.md", "a/z.mdx", "a/b/c.markdown", "a/B.MD", "c.txt", "logo.png")
    assert list(found(tmp_path)) == ["a/B.MD", "a/b/c.markdown", "a/z.mdx", "b.md"]


def test_what_docusaurus_passes_over_is_passed_over(tmp_path: Path) -> None:
    """Hidden entries, `node_modules` and names that start with `_` are neither pages nor worth a word."""
    write(
        tmp_path, ".git/a.md", ".hidden.md", "node_modules/x/a.md", "_partial.mdx", "_parts/a.md", "a/_b.md", "page.md"
    )
    assert found(tmp_path) == {"page.md": "page"}


def test_build_output_is_named(tmp_path: Path) -> None:
    """`build` and `dist` are left out and said to be."""
    write(tmp_path, "build/a.md", "docs/dist/a.md", "builder.md", "build.md")
    assert found(tmp_path) == {
        "build": "build output",
        "build.md": "page",
        "builder.md": "page",
        "docs/dist": "build output",
    }


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    """A path to one page gives that page, whatever its name starts with."""
    write(tmp_path, "one.md", "two.md", "_three.md", "note.txt")
    assert found(tmp_path / "one.md") == {"one.md": "page"}
    assert found(tmp_path / "_three.md") == {"_three.md": "page"}
    assert found(tmp_path / "note.txt") == {"note.txt": "not a Markdown file"}


def test_text_is_normalised(tmp_path: Path) -> None:
    """A byte order mark goes and every line end is a line feed."""
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf# T\xc3\xa4\r\nx\ry\n")
    assert list(find_sources(tmp_path)) == [Source("a.md", "# Tä\nx\ny\n")]


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    """NUL bytes, other encodings and too many bytes are reasons, not errors."""
    (tmp_path / "nul.md").write_bytes(b"a\0b")
    (tmp_path / "latin.md").write_bytes("Größe".encode("latin-1"))
    (tmp_path / "utf16.md").write_bytes("x".encode("utf-16"))
    (tmp_path / "big.md").write_bytes(b"x" * 5_000_001)
    (tmp_path / "limit.md").write_bytes(b"x" * 5_000_000)
    (tmp_path / "empty.md").write_bytes(b"")
    assert found(tmp_path) == {
        "big.md": "larger than 5 MB",
        "empty.md": "page",
        "latin.md": "not a text file in UTF-8",
        "limit.md": "page",
        "nul.md": "not a text file in UTF-8",
        "utf16.md": "not a text file in UTF-8",
    }


def test_links_are_named_or_followed(tmp_path: Path) -> None:
    """A link to a page inside is a page; loops, links outside and dangling ones are named and cost nothing."""
    write(tmp_path, "out/secret.md", "root/a/page.md")
    root = tmp_path / "root"
    (root / "same.md").symlink_to("a/page.md")
    (root / "outside.md").symlink_to("../out/secret.md")
    (root / "dangling.md").symlink_to("nowhere.md")
    (root / "self.md").symlink_to("self.md")
    (root / "a" / "loop").symlink_to("..")
    (root / "copy").symlink_to("a")
    (root / "away").symlink_to("../out")
    assert found(root) == {
        "a/loop": "symlink loop",
        "a/page.md": "page",
        "away": "link that leaves the folder",
        "copy": "link to a folder that is listed itself",
        "dangling.md": "dangling link",
        "outside.md": "link that leaves the folder",
        "same.md": "page",
        "self.md": "symlink loop",
    }


def test_a_link_to_the_root_is_the_root(tmp_path: Path) -> None:
    """The folder may be given through a link, with its pages named as ever."""
    write(tmp_path, "real/a.md")
    (tmp_path / "link").symlink_to("real")
    assert found(tmp_path / "link") == {"a.md": "page"}


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    """A pipe named like a page is not waited for; a folder named like one is a folder."""
    os.mkfifo(tmp_path / "pipe.md")
    write(tmp_path, "folder.md/page.md")
    assert found(tmp_path) == {"folder.md/page.md": "page", "pipe.md": "not a regular file"}


def test_a_name_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    """Such a name fits neither a URL nor a database; it is shown with what can be shown."""
    os.close(os.open(os.fsencode(tmp_path) + b"/\xe9t\xe9.md", os.O_CREAT))
    assert found(tmp_path) == {"\ufffdt\ufffd.md": "name is not UTF-8"}


def test_an_unreadable_page_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read now is named with the system's reason, marked to be kept, and the rest goes on."""
    write(tmp_path, "a.md", "b.md")
    real = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if Path(path).name == "a.md":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    assert list(find_sources(tmp_path)) == [
        Skipped("a.md", "unreadable: permission denied", keep=True),
        Source("b.md", "Text\n"),
    ]


def test_a_page_that_vanishes_is_named(tmp_path: Path) -> None:
    """A page deleted between listing and reading is gone for good."""
    assert load_source(tmp_path, "gone.md") == Skipped("gone.md", "vanished while listing")


def test_a_folder_that_cannot_be_listed_fails_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that breaks off raises after what it gave, so nobody takes the rest for deleted."""
    write(tmp_path, "a.md", "b/c.md", "d.md")
    real = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "b":
            raise OSError(5, "Input/output error", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = find_sources(tmp_path)
    assert next(listing) == Source("a.md", "Text\n")
    with pytest.raises(ListingFailed, match="b cannot be listed: input/output error"):
        list(listing)


def test_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    """A wrong path is an error, not an empty site."""
    with pytest.raises(ListingFailed, match="no such file"):
        list(find_sources(tmp_path / "nowhere"))


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    """Hundreds of folders inside each other are no matter of the stack."""
    path = "d/" * 300 + "page.md"
    write(tmp_path, path)
    assert found(tmp_path) == {path: "page"}

"""Which files a Space gets, and which never."""

import subprocess
from pathlib import Path

import pytest
from tests.deploy.conftest import CARD, ROOT

from lectern.deploy.errors import DeployError
from lectern.deploy.tree import IMAGE_ROOTS, content_files, image_files, leaks

SECRET_FILES = (
    ".env",
    ".env.local",
    "src/.env",
    "src/key.pem",
    "data/lectern.sqlite3",
    ".venv/bin/python",
    "tests/t.py",
)


def paths(tree: object) -> set[str]:
    """The paths of a tree's files."""
    return {file.path for file in tree.files}  # type: ignore[attr-defined] # a Tree


def small_checkout(root: Path) -> Path:
    """The least that can be deployed, with much beside it that may not be."""
    for path in ("Dockerfile", "src/lectern/__init__.py", "docs/page.md", *SECRET_FILES):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x", encoding="utf-8")
    (root / "README.md").write_text(CARD, encoding="utf-8")
    return root


def git(root: Path, *arguments: str) -> None:
    """Run git there."""
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.mark.parametrize("tracked", [True, False], ids=["a checkout, all tracked", "an unpacked archive"])
def test_secrets_data_and_tools_stay_here(tmp_path: Path, tracked: bool) -> None:  # noqa: FBT001 - a parameter
    """Even what someone has put under git by mistake."""
    root = small_checkout(tmp_path)
    if tracked:
        git(root, "init", "--quiet")
        git(root, "add", "--all", "--force")
    assert paths(image_files(root)) == {"Dockerfile", "README.md", "docs/page.md", "src/lectern/__init__.py"}


def test_a_source_that_git_does_not_track_is_pointed_out(tmp_path: Path) -> None:
    """A new file that was not added is not pushed, and the person is told."""
    root = small_checkout(tmp_path)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    (root / "src" / "new.py").write_text("", encoding="utf-8")
    tree = image_files(root)
    assert "src/new.py" not in paths(tree)
    assert any("src/new.py" in warning for warning in tree.warnings)


@pytest.mark.parametrize("card", ["", "---\nsdk: gradio\n---\n", "---\nsdk: docker\n"])
def test_a_readme_that_makes_no_docker_space(tmp_path: Path, card: str) -> None:
    """Without the card the Hub would never build; that is told before anything is pushed."""
    root = small_checkout(tmp_path)
    (root / "README.md").write_text(f"{card}# Lectern\n", encoding="utf-8")
    with pytest.raises(DeployError, match="sdk: docker"):
        image_files(root)


def test_pages_and_what_they_include(tmp_path: Path) -> None:
    """Text goes, images and large, hidden, linked and built files do not."""
    (tmp_path / "site" / "node_modules").mkdir(parents=True)
    (tmp_path / "site" / ".obsidian").mkdir()
    (tmp_path / "site" / "build").mkdir()
    site = tmp_path / "site"
    for name in ("a.md", "b.mdx", "_partial.mdx", "snippet.rs", "node_modules/c.md", ".obsidian/d.md", "build/e.md"):
        (site / name).write_text("# Text\n", encoding="utf-8")
    (site / "logo.png").write_bytes(b"\x89PNG\0\0")
    (site / "large.json").write_text("x" * 1_000_001, encoding="utf-8")
    (tmp_path / "outside.md").write_text("# Not yours\n", encoding="utf-8")
    (site / "link.md").symlink_to(tmp_path / "outside.md")

    tree = content_files(site)

    assert paths(tree) == {"content/a.md", "content/b.mdx", "content/_partial.mdx", "content/snippet.rs"}
    assert tree.warnings


@pytest.mark.parametrize("given", ["missing", "empty", "images"])
def test_a_folder_without_a_page(tmp_path: Path, given: str) -> None:
    """It is told before anything is asked of the Hub."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"\0")
    with pytest.raises(DeployError, match=r"folder|page"):
        content_files(tmp_path / given)


def test_a_file_with_a_secret_is_found_and_the_secret_not_told(tmp_path: Path) -> None:
    """The file and the name are said; short values are not looked for."""
    (tmp_path / "a.md").write_text("# Key\n\nexport KEY=sk-4f9a8b7c6d\n", encoding="utf-8")
    files = content_files(tmp_path).files
    assert leaks(files, {"OPENAI_API_KEY": "sk-4f9a8b7c6d", "FLAG": "Key"}) == [
        "content/a.md holds the value of OPENAI_API_KEY"
    ]


def test_this_checkout_has_what_the_list_names() -> None:
    """A file that was renamed would be missing in the Space; those that git does not ignore are compared."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).split("\n")
    tops = {path.partition("/")[0] for path in listed}
    # The image's own files come with the image.
    assert set(IMAGE_ROOTS) - {"Dockerfile", ".dockerignore"} <= tops

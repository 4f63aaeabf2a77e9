"""Which files a Space gets: those of this checkout that the image needs, and the site's pages as `content/`."""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from lectern.deploy.errors import UNUSABLE, DeployError
from lectern.ingest.sources import SUFFIXES, Source, decode, find_sources

IMAGE_ROOTS: Final = (
    ".dockerignore",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "alembic.ini",
    "docs",
    "entrypoint.sh",
    "gunicorn.conf.py",
    "main.py",
    "migrations",
    "pyproject.toml",
    "requirements-mcp.txt",
    "requirements.txt",
    "src",
)
"""What the image is built from. Tests, load tests and tools stay here, so that a change of theirs builds nothing."""

CONTENT: Final = "content"
"""Where the pages lie in the Space; the image finds them there by CONTENT_DIR's default."""

LARGE_BYTES: Final = 10_000_000
"""From here on the Hub wants a file in its large-file storage (hub-docs, spaces-github-actions.md); git push fails."""

_ASSET_BYTES: Final = 1_000_000
_PAGE_BYTES: Final = 5_000_000
_BUILD_OUTPUT: Final = frozenset({"build", "dist", "node_modules", "__pycache__"})
_PRIVATE_SUFFIXES: Final = frozenset({".pem", ".key", ".p12", ".pfx"})


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file as the Space will have it.

    Attributes:
        path: In the Space, with `/`.
        data: Its bytes, read once, so that what was looked at is what is pushed.
    """

    path: str
    data: bytes

    @property
    def git_oid(self) -> str:
        """The name git gives these bytes; the Hub tells the same of a file that is not in large-file storage."""
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        """The name that large-file storage gives these bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Tree:
    """Files for the Space, ordered by path, and what a person should know of them."""

    files: tuple[LocalFile, ...]
    warnings: tuple[str, ...] = ()


def image_files(root: Path) -> Tree:
    """The files of a checkout that the image needs: those git tracks, or without git all below `IMAGE_ROOTS`.

    Raises:
        DeployError: There is no Dockerfile, or no card in README.md that makes the Space a Docker Space.
    """
    tracked = _tracked(root)
    paths = sorted(path for path in (_on_disk(root) if tracked is None else tracked) if _is_image_file(root, path))
    files = tuple(LocalFile(path, (root / path).read_bytes()) for path in paths)
    present = {file.path: file for file in files}
    if "Dockerfile" not in present:
        raise DeployError(f"{root} has no Dockerfile that git tracks, so no Space can be built from it.", UNUSABLE)
    if not _card_says_docker(present.get("README.md")):
        raise DeployError(
            "README.md must begin with the Space's card: a block between two lines of --- that says sdk: docker.",
            UNUSABLE,
        )
    forgotten = (
        [] if tracked is None else [path for path in _on_disk(root, ("src", "migrations")) if path not in tracked]
    )
    return Tree(files, tuple(f"{path} is not pushed: git does not track it" for path in sorted(forgotten)))


def content_files(folder: Path) -> Tree:
    """The pages of a folder and the small text files that pages may include, below `content/`.

    Left out: hidden entries, `node_modules` and build output, links, what is no text, pages above 5 MB, other files
    above 1 MB.

    Raises:
        DeployError: It is no folder, or ingest would find no page in it.
    """
    if not folder.is_dir():
        raise DeployError(f"--content {folder} is not a folder.", UNUSABLE)
    if not any(isinstance(found, Source) for found in find_sources(folder)):
        raise DeployError(f"--content {folder} holds no page: no .md or .mdx file that ingest would read.", UNUSABLE)
    files, left_out = [], 0
    for path in sorted(_walk(folder)):
        file = folder / path
        limit = _PAGE_BYTES if file.suffix.lower() in SUFFIXES else _ASSET_BYTES
        data = file.read_bytes() if file.stat().st_size <= limit else b"\0"
        if decode(data) is None:
            left_out += 1
        else:
            files.append(LocalFile(f"{CONTENT}/{path}", data))
    warnings = (f"{left_out} files of {folder} stay here: images and what is large, which no answer needs",)
    return Tree(tuple(files), warnings if left_out else ())


def leaks(files: tuple[LocalFile, ...], secrets: Mapping[str, str]) -> list[str]:
    """The files that hold a secret's value, as `PATH holds the value of NAME`.

    Args:
        files: What is about to be pushed.
        secrets: Names and values; values below 8 characters are in too many files by chance to be looked for.
    """
    wanted = [(name, value.encode()) for name, value in sorted(secrets.items()) if len(value) >= 8]  # noqa: PLR2004
    return [f"{file.path} holds the value of {name}" for file in files for name, value in wanted if value in file.data]


def _tracked(root: Path) -> set[str] | None:
    """What git tracks below a folder; None when it is no checkout, or git is not there."""
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), "ls-files", "-z"],  # noqa: S607 - the person's own git
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return set(os.fsdecode(listed.stdout).split("\0")) - {""}


def _on_disk(root: Path, roots: tuple[str, ...] = IMAGE_ROOTS) -> Iterator[str]:
    for name in roots:
        if (root / name).is_dir():
            yield from (f"{name}/{path}" for path in _walk(root / name))
        elif (root / name).is_file():
            yield name


def _walk(folder: Path) -> Iterator[str]:
    """The regular files below a folder; no links, nothing hidden, no build output."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _BUILD_OUTPUT)
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink() and not _is_private(name):
                yield path.relative_to(folder).as_posix()


def _is_image_file(root: Path, path: str) -> bool:
    """Whether a path belongs to the image; a deleted one, a link and what looks like a key do not."""
    file = root / path
    top = PurePosixPath(path).parts[0]
    return top in IMAGE_ROOTS and file.is_file() and not file.is_symlink() and not _is_private(file.name)


def _is_private(name: str) -> bool:
    return name.startswith(".env") or name.endswith(".pyc") or PurePosixPath(name).suffix.lower() in _PRIVATE_SUFFIXES


def _card_says_docker(readme: LocalFile | None) -> bool:
    text = readme.data.decode("utf-8", "replace") if readme else ""
    head, separator, _ = text.removeprefix("---\n").partition("\n---")
    return text.startswith("---\n") and bool(separator) and "sdk: docker" in (line.strip() for line in head.split("\n"))

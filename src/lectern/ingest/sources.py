"""Finds the Markdown files of a folder and loads them, one after the other, in a fixed order.

What cannot be a page is named with its reason and the rest goes on. A folder that cannot be listed is another matter:
its pages would look deleted, so the whole listing fails.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from lectern.errors import LecternError

MAX_BYTES = 5_000_000
SUFFIXES = frozenset({".md", ".mdx", ".markdown"})
_BUILD_OUTPUT = frozenset({"build", "dist"})


class ListingFailed(LecternError):
    """A folder could not be listed to its end, so nothing may be concluded from what is missing."""

    code: ClassVar[str] = "listing_failed"
    default_message: ClassVar[str] = "The folder could not be listed."


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was loaded.

    Attributes:
        path: Below the root, with `/`.
        text: Its content; no byte order mark, line ends are line feeds.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that gives no page.

    Attributes:
        path: Below the root, with `/`.
        reason: A short phrase for the closing table.
        keep: The page may well exist and only could not be read now; what is indexed of it should stay.
    """

    path: str
    reason: str
    keep: bool = False


def find_sources(root: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Source | Skipped]:
    """Load the Markdown files of a folder (or the one file that `root` is), ordered by path.

    Left out in silence, as Docusaurus does: hidden entries, `node_modules`, names that start with `_`.
    Left out by name: build output, links to folders, links that leave the root, what is no readable UTF-8 text.

    Args:
        root: A folder, or a single file.
        max_bytes: A larger file is skipped.

    Raises:
        ListingFailed: The root does not exist, or some folder below it cannot be listed.
    """
    try:
        real = root.resolve(strict=True)
        if not real.is_dir():
            yield load_source(real.parent, root.name if root.parent.resolve() == real.parent else real.name, max_bytes)
            return
    except (OSError, RuntimeError) as error:
        raise ListingFailed(f"{root} cannot be opened: {_reason(error)}.") from error
    yield from _walk(real, max_bytes)


def load_source(root: Path, path: str, max_bytes: int = MAX_BYTES) -> Source | Skipped:
    """Load one file below the root, or say why it gives no page."""
    if PurePosixPath(path).suffix.lower() not in SUFFIXES:
        return Skipped(path, "not a Markdown file")
    try:
        data = read_inside(root, path, max_bytes)
    except (OSError, RuntimeError) as error:
        return _unreadable(root, path, error)
    if isinstance(data, str):
        return Skipped(path, data, keep=True)
    text = decode(data)
    return Source(path, text) if text is not None else Skipped(path, "not a text file in UTF-8", keep=True)


def read_inside(root: Path, path: str, max_bytes: int) -> bytes | str:
    """Read a regular file that lies below the root after following links.

    Returns:
        Its bytes, or the reason why it is not read.

    Raises:
        OSError: It cannot be read.
    """
    target = (root / path).resolve(strict=True)
    if not target.is_relative_to(root):
        return "link that leaves the folder"
    # Opening a pipe waits for its writer; O_NONBLOCK lets the check below see it instead.
    descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        return f"larger than {max_bytes / 1e6:g} MB"
    return data


def decode(data: bytes) -> str | None:
    """Decode UTF-8 text, with or without a byte order mark; None when the bytes are no text."""
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _walk(root: Path, max_bytes: int) -> Iterator[Source | Skipped]:
    """Depth first without recursion, so a deep tree costs no stack."""
    pending = [iter(_listed(root, ""))]
    while pending:
        entry = next(pending[-1], None)
        if entry is None:
            pending.pop()
            continue
        path, is_folder, is_link = entry
        if not is_folder and PurePosixPath(path).suffix.lower() not in SUFFIXES:
            continue
        if (shown := _readable_name(path)) != path:
            yield Skipped(shown, "name is not UTF-8")
        elif is_folder and is_link:
            yield Skipped(path, _folder_link_reason(root, path))
        elif is_folder and PurePosixPath(path).name in _BUILD_OUTPUT:
            yield Skipped(path, "build output")
        elif is_folder:
            pending.append(iter(_listed(root, path)))
        else:
            yield load_source(root, path, max_bytes)


def _listed(root: Path, folder: str) -> list[tuple[str, bool, bool]]:
    """The entries of one folder as (path, is a folder, is a link), ordered by name."""
    try:
        with os.scandir(root / folder) as entries:
            found = [
                (f"{folder}/{entry.name}" if folder else entry.name, _is_folder(entry), entry.is_symlink())
                for entry in entries
                if not entry.name.startswith((".", "_")) and entry.name != "node_modules"
            ]
    except OSError as error:
        raise ListingFailed(f"The folder {folder or root} cannot be listed: {_reason(error)}.") from error
    return sorted(found)


def _readable_name(path: str) -> str:
    """The path with what is no UTF-8 in it replaced; such a name has no place in a URL or a database."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that leads nowhere is looked at when it is read."""
    try:
        return entry.is_dir()
    except OSError:
        if entry.is_symlink():
            return False
        raise


def _folder_link_reason(root: Path, path: str) -> str:
    """Why a link to a folder is not followed: its pages are listed where they are, or are not below the root."""
    link = root / path
    target = link.resolve()
    if link.parent.is_relative_to(target):
        return "symlink loop"
    return "link to a folder that is listed itself" if target.is_relative_to(root) else "link that leaves the folder"


def _unreadable(root: Path, path: str, error: OSError | RuntimeError) -> Skipped:
    is_loop = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
    if is_loop:
        return Skipped(path, "symlink loop")
    if isinstance(error, FileNotFoundError):
        return Skipped(path, "dangling link" if (root / path).is_symlink() else "vanished while listing")
    return Skipped(path, f"unreadable: {_reason(error)}", keep=True)


def _reason(error: OSError | RuntimeError) -> str:
    """The operating system's words without the path."""
    return (getattr(error, "strerror", None) or type(error).__name__).lower()

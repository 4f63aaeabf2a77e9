"""Recognises that the owner's folder of Markdown is the one that the index was made from, without parsing a page."""

import hashlib
import os
from pathlib import Path

import lectern
from lectern.ingest.sources import SUFFIXES


def fingerprint_of(folder: Path, *, site: str, base_url: str, model: str | None) -> str | None:
    """What an index made from this folder depends on, as 64 hex digits; None when the folder has no page.

    Pages count with their bytes, other files, which pages may include, with size and time (whole seconds, as a layer of
    an image keeps no more). Hidden entries and `node_modules` do not count. A hundred pages take milliseconds.

    Args:
        folder: The folder.
        site: The site's name.
        base_url: Where its pages are read.
        model: Whose vectors the index has; None for none.

    Raises:
        OSError: The folder cannot be read to its end.
    """
    digest = hashlib.sha256(repr((lectern.__version__, site, base_url, model)).encode())
    pages = 0
    for file in _files(folder):
        is_page = file.suffix.lower() in SUFFIXES
        pages += is_page
        status = file.stat()
        held = file.read_bytes() if is_page else repr((status.st_size, int(status.st_mtime))).encode()
        digest.update(repr((os.fsencode(file.relative_to(folder)), len(held))).encode() + held)
    return digest.hexdigest() if pages else None


def _files(folder: Path) -> list[Path]:
    def fail(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for path, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not _left_out(name)]
        found += [file for name in names if not _left_out(name) and (file := Path(path, name)).is_file()]
    return sorted(found)


def _left_out(name: str) -> bool:
    return name.startswith(".") or name == "node_modules"

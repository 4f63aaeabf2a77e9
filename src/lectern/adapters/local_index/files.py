"""The folder of the local index: generations, the pointer to the current one, and the lock of updates.

    CURRENT                  the name of the current generation; replaced by an atomic rename
    LOCK                     held (flock) by the one update that is open
    generation-00000007/     never changed once CURRENT has named it
    building-…/              a generation in the making; a killed build leaves it, the next update removes it
    CONTENT                  what the site of CONTENT_DIR was made from, and in which generation

Whoever dies at whatever point leaves CURRENT naming the old generation or the new one, both whole. An image may bring
such a folder: it is read, and never written, until this one has a generation of its own.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from lectern.ops.file_lock import try_lock

_GENERATION = re.compile(r"generation-\d{8,}")


class IndexFiles:
    """Names, swaps and removes generations.

    Args:
        directory: The folder that is written.
        image: A folder that an image brings; its generation is current until `directory` has one. Never written.
    """

    def __init__(self, directory: Path, image: Path | None = None) -> None:
        self.directory = directory
        self._image = image

    def current(self) -> Path | None:
        """The current generation's folder, or None when nothing was ever built.

        Raises:
            OSError: A pointer cannot be read, or names no generation.
        """
        own = _pointed_to(self.directory)
        return own if own is not None or self._image is None else _pointed_to(self._image)

    def owns(self, generation: Path) -> bool:
        """Whether a generation is in the folder that is written, and not the image's."""
        return generation.parent == self.directory

    def try_lock(self) -> int | None:
        """The file descriptor that holds the lock, or None when another update holds it. `unlock` gives it back."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return try_lock(self.directory / "LOCK")

    def start_building(self) -> Path:
        """An empty folder for the next generation. Call it with the lock held."""
        return Path(tempfile.mkdtemp(prefix="building-", dir=self.directory))

    def publish(self, building: Path) -> None:
        """Make a finished folder the current generation; on return it survives a power cut. Call it with the lock held.

        The generation before stays for readers that have just looked at the pointer; older ones go.
        """
        previous = self.current()
        for file in building.iterdir():
            _sync(file)
        _sync(building)
        building.chmod(0o755)
        generation = self.directory / f"generation-{self._next_number():08d}"
        building.rename(generation)
        _sync(self.directory)
        self._point_to(generation)
        self.tidy(keep=previous)

    def tidy(self, keep: Path | None = None) -> None:
        """Remove what killed updates left and generations that nobody needs. Call it with the lock held.

        Args:
            keep: A generation that stays beside the current one.
        """
        current = self.current()
        if keep is None and current is not None and self.owns(current):
            older = sorted(folder for folder in self._generations() if _number(folder) < _number(current))
            keep = older[-1] if older else None
        for folder in [*self._generations(), *self.directory.glob("building-*")]:
            if folder not in {current, keep}:
                shutil.rmtree(folder, ignore_errors=True)
        (self.directory / "CURRENT.new").unlink(missing_ok=True)

    def content(self) -> str | None:
        """What `note_content` noted for the current generation; None when nothing was, or the index went on since.

        Raises:
            OSError: It cannot be read.
        """
        current = self.current()
        for directory in filter(None, (self.directory, self._image)):
            try:
                noted = (directory / "CONTENT").read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                continue
            name, _, fingerprint = noted.partition(" ")
            if current is not None and name == current.name:
                return fingerprint.strip()
        return None

    def note_content(self, fingerprint: str) -> None:
        """Note what the current generation was made from.

        Raises:
            OSError: It cannot be written.
        """
        current = self.current()
        if current is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            new = self.directory / "CONTENT.new"
            new.write_text(f"{current.name} {fingerprint}\n", encoding="utf-8")
            new.replace(self.directory / "CONTENT")

    def _point_to(self, generation: Path) -> None:
        new = self.directory / "CURRENT.new"
        new.write_text(generation.name + "\n", encoding="utf-8")
        _sync(new)
        new.replace(self.directory / "CURRENT")
        _sync(self.directory)

    def _generations(self) -> list[Path]:
        return [folder for folder in self.directory.glob("generation-*") if _GENERATION.fullmatch(folder.name)]

    def _next_number(self) -> int:
        """Above every generation, the image's too, so that a name means one generation."""
        current = self.current()
        taken = [*self._generations(), *([current] if current else [])]
        return max(map(_number, taken), default=0) + 1


def _pointed_to(directory: Path) -> Path | None:
    pointer = directory / "CURRENT"
    try:
        name = pointer.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not _GENERATION.fullmatch(name):
        raise OSError(f"{pointer} names no generation")
    return directory / name


def _number(generation: Path) -> int:
    return int(generation.name.removeprefix("generation-"))


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

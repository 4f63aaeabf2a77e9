"""The folder of the local index: generations, the pointer to the current one, and the lock of updates.

    CURRENT                  the name of the current generation; replaced by an atomic rename
    LOCK                     held (flock) by the one update that is open
    generation-00000007/     never changed once CURRENT has named it
    building-…/              a generation in the making; a killed build leaves it, the next update removes it

Whoever dies at whatever point leaves CURRENT naming the old generation or the new one, both whole.
"""

import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path

_GENERATION = re.compile(r"generation-\d{8,}")


class IndexFiles:
    """Names, swaps and removes generations."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._pointer = directory / "CURRENT"

    def current(self) -> Path | None:
        """The current generation's folder, or None when nothing was ever built.

        Raises:
            OSError: The pointer cannot be read, or names no generation.
        """
        try:
            name = self._pointer.read_text(encoding="utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not _GENERATION.fullmatch(name):
            raise OSError(f"{self._pointer} names no generation")
        return self.directory / name

    def try_lock(self) -> int | None:
        """The file descriptor that holds the lock, or None when another update holds it. `unlock` gives it back."""
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.directory / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

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
        if keep is None and current is not None:
            older = sorted(folder for folder in self._generations() if _number(folder) < _number(current))
            keep = older[-1] if older else None
        for folder in [*self._generations(), *self.directory.glob("building-*")]:
            if folder not in {current, keep}:
                shutil.rmtree(folder, ignore_errors=True)
        (self.directory / "CURRENT.new").unlink(missing_ok=True)

    def _point_to(self, generation: Path) -> None:
        new = self.directory / "CURRENT.new"
        new.write_text(generation.name + "\n", encoding="utf-8")
        _sync(new)
        new.replace(self._pointer)
        _sync(self.directory)

    def _generations(self) -> list[Path]:
        return [folder for folder in self.directory.glob("generation-*") if _GENERATION.fullmatch(folder.name)]

    def _next_number(self) -> int:
        return max((_number(folder) for folder in self._generations()), default=0) + 1


def unlock(descriptor: int) -> None:
    """Let the next update in. Said outright: a process forked meanwhile holds the descriptor open."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _number(generation: Path) -> int:
    return int(generation.name.removeprefix("generation-"))


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

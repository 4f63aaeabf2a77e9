"""A file that is whole or not there, whatever is killed when: written beside its place, synced, renamed into it."""

import os
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Make a file that only this user may read, in place of one that is there; it is on the disk when this returns.

    Raises:
        OSError: The disk cannot be written; nothing of it is left there.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

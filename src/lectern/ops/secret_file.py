"""A secret that outlives its process: made once, kept in a file that only its owner may read."""

import logging
import os
import secrets
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_OWNER_ONLY: Final = 0o600
_SHORTEST: Final = 32


def new_secret() -> str:
    """64 random hex digits."""
    return secrets.token_hex(32)


def kept_secret(path: Path, candidate: str) -> str:
    """The secret in a file, which is made of the candidate when it is not there.

    Of many processes that come at once one makes the file and the others read it; none ever sees half of it. Where it
    can be neither read nor written, the log says so and the candidate is used: give each of them the same.

    Args:
        path: The file. Its folder is made if need be.
        candidate: A new secret.
    """
    try:
        if (kept := _read(path)) is None:
            _write_first(path, candidate)
            kept = _read(path)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it holds no secret"
        logger.warning("%s cannot be used (%s): visitors are strangers after a restart; set SECRET_KEY", path, cause)
        return candidate
    return kept or candidate


def _read(path: Path) -> str | None:
    try:
        kept = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    if len(kept) < _SHORTEST:
        raise ValueError(path)
    return kept


def _write_first(path: Path, secret: str) -> None:
    """Write the file whole and give it its name only then, unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()

"""Whether conversations can be kept in a file."""

from lectern.adapters.examine_schema import schema_finding
from lectern.adapters.sql_migrations import file_of, revision
from lectern.errors import StoreUnavailable
from lectern.ops.findings import Finding
from lectern.ops.machine import Folder, examine_folder, remote_filesystem, size


def examine_sqlite(url: str, *, on_space: bool) -> list[Finding]:
    """Look at the file, its folder and its schema; the file is only read.

    Args:
        url: `sqlite:///path`.
        on_space: Whether the container's disk ends with it.
    """
    name = "database"
    try:
        path = file_of(url)
        found = revision(path)
    except StoreUnavailable as error:
        return [Finding(name, "fail", error.message, "Correct DATABASE_URL, or move the file away and start again.")]
    except OSError as error:
        fix = "Give the file to the user that Lectern runs as, or set DATA_DIR."
        return [Finding(name, "fail", f"{path} cannot be read ({error.strerror})", fix)]
    if unwritable := _unwritable(url):
        return [unwritable]
    held = f", {size(path.stat().st_size)}" if path.exists() else ", still to be made"
    said = f"SQLite in {path}{held}"
    if (kind := remote_filesystem(path)) is not None:
        fix = "Its locks do not hold there, and a crash can lose the file: use a disk of its own, or set DATABASE_URL."
        first = Finding(name, "fail", f"{said}, on a {kind} mount", fix)
    elif on_space:
        fix = "A new container has a new disk: set DATABASE_URL, as from Neon, to keep conversations."
        first = Finding(name, "warn", said, fix)
    else:
        first = Finding(name, "ok", said)
    return [first, schema_finding(found, none="ok")]


def _unwritable(url: str) -> Finding | None:
    """What keeps SQLite from writing: it needs the folder for its journal, and the file."""
    path = file_of(url)
    fix = "Give the folder to the user that Lectern runs as, or set DATA_DIR or DATABASE_URL."
    [folder] = examine_folder(Folder("database", path.parent, needed=True, use="conversations", fix=fix))
    if folder.state != "ok":
        return Finding("database", "fail", folder.found, fix)
    try:
        if path.exists():
            path.open("r+b").close()
    except OSError as error:
        return Finding("database", "fail", f"{path} cannot be written ({error.strerror})", fix)
    return None

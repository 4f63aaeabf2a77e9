"""Vectors of chunks: a row-major float32 matrix in a file beside the database, mapped into memory by every reader.

An exact scan is as fast as any index up to 50,000 chunks and needs no server. numpy is imported only when there
are vectors.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lectern.ports import Vector

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

FILE: Final = "vectors.f32"
"""The matrix in a generation's folder; `matrix` in the database holds its model and shape."""


def model_of(connection: sqlite3.Connection) -> str | None:
    """Whose vectors these are; None when there are none."""
    row = connection.execute("SELECT model FROM matrix").fetchone()
    return None if row is None else str(row[0])


def write(
    connection: sqlite3.Connection, base: Path | None, folder: Path, new: Mapping[str, Vector], model: str
) -> None:
    """Write the matrix of a generation: the base's rows that chunks still use, then the new ones.

    Rows of another model or length than the new ones are left out: they cannot be compared.

    Args:
        connection: The generation's database, open for building.
        base: Folder of the generation before, None for the first.
        folder: Folder of this one.
        new: `key → vector`, all of one length.
        model: The model of the new ones.
    """
    import numpy as np  # noqa: PLC0415 - start-up does not pay for vectors it does not have

    dimensions = len(next(iter(new.values())))
    kept: dict[str, int] = {}
    old = None
    if (
        base is not None
        and connection.execute(
            "SELECT 1 FROM matrix WHERE model = ? AND dimensions = ?", (model, dimensions)
        ).fetchone()
    ):
        old = open_matrix(connection, base)
        kept = dict(
            connection.execute("SELECT key, row FROM vectors WHERE key IN (SELECT key FROM chunks) ORDER BY row")
        )
    kept = {key: row for key, row in kept.items() if key not in new}
    with (folder / FILE).open("wb") as file:
        if old is not None and kept:
            file.write(old[list(kept.values())].tobytes())
        file.write(np.asarray(list(new.values()), dtype=np.float32).tobytes())
    keys = [*kept, *new]
    connection.execute("DELETE FROM vectors")
    connection.executemany("INSERT INTO vectors VALUES (?, ?)", ((key, row) for row, key in enumerate(keys)))
    connection.execute("DELETE FROM matrix")
    connection.execute("INSERT INTO matrix VALUES (?, ?, ?)", (model, dimensions, len(keys)))


def open_matrix(connection: sqlite3.Connection, folder: Path) -> NDArray[float32] | None:
    """Map a generation's matrix, shape (rows, dimensions); None when it has no vectors.

    Raises:
        OSError, ValueError: The file is missing or shorter than its shape.
    """
    row = connection.execute("SELECT rows, dimensions FROM matrix").fetchone()
    if row is None:
        return None
    import numpy as np  # noqa: PLC0415 - start-up does not pay for vectors it does not have

    return np.memmap(folder / FILE, dtype=np.float32, mode="r", shape=(row[0], row[1]))

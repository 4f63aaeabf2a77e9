"""Cosine over all vectors of a generation: which chunks mean what the question means."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lectern.adapters.local_index.matrix import open_matrix
from lectern.ports import Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

MATCHED_CHUNKS: Final = 500
"""How many of the nearest chunks are looked at; enough for the ten best sections, also those that words lift."""

MIN_COVERAGE: Final = 0.5
"""Below this share of chunks with a vector, a search is lexical only: the rest would look irrelevant."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A generation's vectors.

    Attributes:
        vectors: Shape (rows, dimensions), float32, mapped.
        rows: Row of each chunk that has a vector; shape (chunks,).
        chunks: The chunks' ids, in the order of `rows`.
        sections: Their sections' ids.
        sites: Their sites' numbers in `site_names`.
        site_names: Sites by number.
    """

    vectors: NDArray[Any]
    rows: NDArray[Any]
    chunks: NDArray[Any]
    sections: NDArray[Any]
    sites: NDArray[Any]
    site_names: tuple[str, ...]

    def nearest(self, vector: Vector, site: str | None) -> dict[int, tuple[int, float]]:
        """`section → (its nearest chunk, cosine)`, of the nearest chunks only.

        A vector of another length, or with a value that is no number, finds nothing.
        """
        import numpy as np  # noqa: PLC0415 - start-up does not pay for vectors it does not have

        question = np.asarray(vector, dtype=np.float32)
        if question.shape != self.vectors.shape[1:] or not np.isfinite(question).all():
            return {}
        cosines = (self.vectors @ question)[self.rows]
        if site is not None:
            number = self.site_names.index(site) if site in self.site_names else -1
            cosines = np.where(self.sites == number, cosines, -np.inf)
        count = min(MATCHED_CHUNKS, len(cosines))
        nearest = np.argpartition(-cosines, count - 1)[:count]
        nearest = nearest[np.argsort(-cosines[nearest], kind="stable")]
        nearest = nearest[np.isfinite(cosines[nearest])]
        # As lists: taking single numbers out of an array costs ten times as much.
        chunks = zip(self.chunks[nearest].tolist(), cosines[nearest].tolist(), strict=True)
        found: dict[int, tuple[int, float]] = {}
        for section, chunk in zip(self.sections[nearest].tolist(), chunks, strict=True):
            if section not in found:
                found[section] = chunk
        return found


def load_dense(connection: sqlite3.Connection, folder: Path) -> Dense | None:
    """Map the vectors; None when there are none, or too few to compare sections by.

    Raises:
        OSError, ValueError: The matrix is missing or too short.
    """
    vectors = open_matrix(connection, folder)
    if vectors is None:
        return None
    import numpy as np  # noqa: PLC0415 - start-up does not pay for vectors it does not have

    found = connection.execute(
        "SELECT v.row, c.id, c.section, d.site FROM chunks c JOIN vectors v ON v.key = c.key "
        "JOIN sections s ON s.id = c.section JOIN documents d ON d.id = s.document ORDER BY c.id"
    ).fetchall()
    (chunks,) = connection.execute("SELECT count(*) FROM chunks").fetchone()
    if not found or len(found) < MIN_COVERAGE * chunks:
        return None
    site_names = tuple(sorted({site for *_, site in found}))
    numbers = {site: number for number, site in enumerate(site_names)}
    table = np.array([(row, chunk, section, numbers[site]) for row, chunk, section, site in found], dtype=np.int64)
    return Dense(vectors, table[:, 0], table[:, 1], table[:, 2], table[:, 3], site_names)

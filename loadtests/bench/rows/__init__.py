"""The rows of the bench, a file each."""

from typing import Final

from loadtests.bench.row import Row
from loadtests.bench.rows import (
    capacity,
    chapters,
    chats,
    first_token,
    ingest,
    memory,
    overload,
    saturation,
    start,
    thousand,
    tokens,
)

ROWS: Final[tuple[Row, ...]] = (  # quick ones first
    chats.ROW,
    first_token.ROW,
    saturation.ROW,
    start.ROW,
    memory.ROW,
    ingest.ROW,
    chapters.ROW,
    tokens.ROW,
    thousand.ROW,
    overload.ROW,
    capacity.ROW,
)

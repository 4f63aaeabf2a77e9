"""The rows of the bench, a file each."""

from loadtests.bench.row import Row

ROWS: tuple[Row, ...] = ()

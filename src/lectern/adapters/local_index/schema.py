"""The tables of one generation of the local index, and how its file is opened.

A generation is one SQLite file. Sections are matched twice: by their chunks (50 to 80 words, to find the spot) and by
windows of whole chunks (at most 400 words, to see the words of a question together). Both full-text tables hold no copy
of the text; a row is taken out by telling the table what it held.
"""

import json
import sqlite3
from pathlib import Path
from typing import Final

from lectern.adapters.lexicon.words import TOKENIZER, searchable

FORMAT: Final = 1
"""Version of the tables, kept in `user_version`; an index of another format counts as empty and is built anew."""

DATABASE: Final = "index.sqlite3"
"""The SQLite file in a generation's folder."""

MMAP_BYTES: Final = 1 << 30
"""Readers map the file, so all workers share its pages; SQLite maps no more than the file is long."""

_TABLES: Final = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, path TEXT NOT NULL, title TEXT NOT NULL, route TEXT NOT NULL,
    url TEXT NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL, UNIQUE (site, path)
);
CREATE INDEX documents_by_route ON documents (site, route);
CREATE TABLE sections (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, position INTEGER NOT NULL, anchor TEXT NOT NULL,
    heading_path TEXT NOT NULL, text TEXT NOT NULL, weight REAL NOT NULL, UNIQUE (document, position)
);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, section INTEGER NOT NULL, position INTEGER NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL,
    UNIQUE (section, position)
);
CREATE INDEX chunks_by_key ON chunks (key);
CREATE TABLE windows (id INTEGER PRIMARY KEY, section INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX windows_by_section ON windows (section);
CREATE VIRTUAL TABLE chunk_words USING fts5(title, parents, heading, text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE window_words USING fts5(title, parents, heading, text, content='', tokenize='{TOKENIZER}');
CREATE TABLE stems (
    site TEXT NOT NULL, stem TEXT NOT NULL, sections INTEGER NOT NULL, PRIMARY KEY (stem, site)
) WITHOUT ROWID;
CREATE TABLE words (
    site TEXT NOT NULL, word TEXT NOT NULL, sections INTEGER NOT NULL, PRIMARY KEY (site, word)
) WITHOUT ROWID;
CREATE TABLE vectors (key TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE matrix (model TEXT NOT NULL, dimensions INTEGER NOT NULL, rows INTEGER NOT NULL);
"""

FULL_TEXT: Final = ("chunk_words", "window_words")

_ROWS: Final = {
    "chunk_words": "SELECT c.id, d.title, s.heading_path, c.text FROM documents d "
    "JOIN sections s ON s.document = d.id JOIN chunks c ON c.section = s.id WHERE d.id = ?",
    "window_words": "SELECT w.id, d.title, s.heading_path, w.text FROM documents d "
    "JOIN sections s ON s.document = d.id JOIN windows w ON w.section = s.id WHERE d.id = ?",
}
_ADD: Final = {
    "chunk_words": "INSERT INTO chunk_words (rowid, title, parents, heading, text) VALUES (?, ?, ?, ?, ?)",
    "window_words": "INSERT INTO window_words (rowid, title, parents, heading, text) VALUES (?, ?, ?, ?, ?)",
}
_DROP: Final = {
    "chunk_words": "INSERT INTO chunk_words (chunk_words, rowid, title, parents, heading, text) "
    "VALUES ('delete', ?, ?, ?, ?, ?)",
    "window_words": "INSERT INTO window_words (window_words, rowid, title, parents, heading, text) "
    "VALUES ('delete', ?, ?, ?, ?, ?)",
}


_NO_SYNC: Final = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
"""Nobody else sees a generation in the making and a failed one is thrown away: the finished file is synced, once."""


def create(folder: Path) -> None:
    """Make an empty database in a folder."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        connection.executescript(f"{_NO_SYNC} BEGIN; {_TABLES} COMMIT;")
    finally:
        connection.close()


def open_read_only(folder: Path) -> sqlite3.Connection:
    """Open a generation that nobody changes any more: no locks, no journal, pages shared between processes.

    The connection may wander between threads, one at a time.

    Raises:
        sqlite3.Error: The file is gone or is no database.
    """
    uri = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
        connection.execute("PRAGMA temp_store = memory")
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_for_building(folder: Path) -> sqlite3.Connection:
    """Open a private copy for writing, with a transaction begun."""
    connection = sqlite3.connect(folder / DATABASE, check_same_thread=False, isolation_level=None)
    connection.executescript(f"{_NO_SYNC} PRAGMA cache_size = -65536; BEGIN;")
    return connection


def format_of(connection: sqlite3.Connection) -> int:
    """The version of the tables in a file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def add_words(connection: sqlite3.Connection, table: str, document: int) -> None:
    """Put a document's rows into a full-text table."""
    connection.executemany(_ADD[table], _words_of(connection, table, document))


def drop_words(connection: sqlite3.Connection, table: str, document: int) -> None:
    """Take a document's rows out of a full-text table, while the document's own rows still stand."""
    connection.executemany(_DROP[table], _words_of(connection, table, document))


def optimize(connection: sqlite3.Connection) -> None:
    """Merge the full-text tables' segments, so that a search reads one."""
    connection.execute("INSERT INTO chunk_words (chunk_words) VALUES ('optimize')")
    connection.execute("INSERT INTO window_words (window_words) VALUES ('optimize')")


def _words_of(connection: sqlite3.Connection, table: str, document: int) -> list[tuple[int, str, str, str, str]]:
    """`(row id, title, parents' headings, heading, text)` as the full-text table has them."""
    rows = []
    headings: dict[str, tuple[str, str, str]] = {}
    for row, title, heading_path, text in connection.execute(_ROWS[table], (document,)):
        if heading_path not in headings:
            *parents, heading = json.loads(heading_path) or [""]
            headings[heading_path] = searchable(title), searchable(" ".join(parents)), searchable(heading)
        rows.append((row, *headings[heading_path], searchable(text)))
    return rows

"""One update in the making: a private copy of the current generation, changed and then published.

The copy is made at the first change, so an update that changes nothing writes nothing. Everything here blocks and is
called from a worker thread, one call at a time, with the lock held.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from lectern.adapters.lexicon.pieces import embedded_text, section_weight, vector_key, windows
from lectern.adapters.local_index import matrix, schema
from lectern.adapters.local_index.files import IndexFiles
from lectern.adapters.local_index.vocabulary import count_words
from lectern.ports import Counts, Document, Section, Vector

_COUNTS: Final = """
SELECT (SELECT count(*) FROM documents WHERE site = :site),
    (SELECT count(*) FROM sections s JOIN documents d ON d.id = s.document WHERE d.site = :site),
    (SELECT count(*) FROM chunks c JOIN sections s ON s.id = c.section JOIN documents d ON d.id = s.document
     WHERE d.site = :site)
"""

_CHUNKS: Final = """
SELECT c.key, d.title, s.heading_path, c.text
FROM documents d JOIN sections s ON s.document = d.id JOIN chunks c ON c.section = s.id
WHERE d.site = :site {pages} {vectors} ORDER BY d.path, s.position, c.position
"""
_THESE_PAGES: Final = "AND d.path IN (SELECT value FROM json_each(:paths))"
_NO_VECTOR: Final = "AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.key = c.key)"


class Building:
    """The next generation of the index, as far as one site changes it.

    Args:
        files: The folder of the index.
        site: The site that is changed.
    """

    def __init__(self, files: IndexFiles, site: str) -> None:
        self._files = files
        self._site = site
        self._base = files.current()
        self._folder: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._words_changed = False
        self._new_vectors: dict[str, Vector] = {}
        self._model = ""
        files.tidy()
        if self._base is not None:
            self._connection = schema.open_read_only(self._base)
            if schema.format_of(self._connection) != schema.FORMAT:
                self._connection.close()
                self._base = self._connection = None

    def digests(self) -> dict[str, str]:
        """`path → digest` of the site's documents."""
        if self._connection is None:
            return {}
        return dict(
            self._connection.execute("SELECT path, digest FROM documents WHERE site = ? ORDER BY path", (self._site,))
        )

    def put(self, documents: Sequence[Document]) -> None:
        """Add documents, each in place of the one with its path; one with the same digest stays untouched."""
        digests = self.digests()
        latest = {document.path: document for document in documents}
        for document in latest.values():
            held = digests.get(document.path)
            if held == document.digest:
                continue
            if held is not None:
                self._drop(document.path)
            self._add(document)

    def remove(self, paths: Sequence[str]) -> None:
        """Take the documents with these paths out."""
        digests = self.digests()
        for path in dict.fromkeys(paths):
            if path in digests:
                self._drop(path)

    def counts(self) -> Counts:
        """How much the site holds, with this update's changes."""
        if self._connection is None:
            return Counts()
        return Counts(*self._connection.execute(_COUNTS, {"site": self._site}).fetchone())

    def unembedded(self, model: str, paths: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """`(key, text)` of the site's chunks without a vector of this model, in reading order; of these pages only."""
        if self._connection is None:
            return []
        known: set[str] = set(self._new_vectors) if model == self._model else set()
        is_same = matrix.model_of(self._connection) == model
        statement = _CHUNKS.format(pages="" if paths is None else _THESE_PAGES, vectors=_NO_VECTOR if is_same else "")
        rows = self._connection.execute(statement, {"site": self._site, "paths": json.dumps(list(paths or ()))})
        missing = {
            key: embedded_text(title, json.loads(heading_path), text)
            for key, title, heading_path, text in rows
            if key not in known
        }
        return list(missing.items())

    def put_vectors(self, vectors: Mapping[str, Vector], model: str) -> None:
        """Keep vectors; those of another model go when the update is published.

        Raises:
            ValueError: The vectors are of uneven length, or a second model is named in one update.
        """
        if not vectors:
            return
        if self._model not in {"", model}:
            raise ValueError("one update keeps the vectors of one model")
        lengths = {len(vector) for vector in (*vectors.values(), *list(self._new_vectors.values())[:1])}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError("vectors must be of one length")
        self._writable()
        self._model = model
        self._new_vectors.update(vectors)

    def publish(self) -> bool:
        """Make the result the current generation; False, and nothing written, when nothing was changed."""
        if self._folder is None:
            return False
        connection = self._writable()
        if self._words_changed:
            count_words(connection, self._site)
            schema.optimize(connection)
        if self._new_vectors:
            matrix.write(connection, self._base, self._folder, self._new_vectors, self._model)
        elif self._base is not None and (self._base / matrix.FILE).exists():
            self._take_over(self._base / matrix.FILE)
        connection.execute("COMMIT")
        connection.close()
        self._connection = None
        self._files.publish(self._folder)
        self._folder = None
        return True

    def discard(self) -> None:
        """Forget what was not published. Safe to call at any time, also twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _writable(self) -> sqlite3.Connection:
        """The private copy, made at the first call."""
        if self._folder is None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._folder = self._files.start_building()
            if self._base is None:
                schema.create(self._folder)
            else:
                shutil.copyfile(self._base / schema.DATABASE, self._folder / schema.DATABASE)
            self._connection = schema.open_for_building(self._folder)
        assert self._connection is not None
        return self._connection

    def _take_over(self, file: Path) -> None:
        """Have a file of the base in the new generation, unchanged: shared, or copied where it is not ours to share."""
        assert self._folder is not None
        copy = self._folder / file.name
        if self._files.owns(file.parent):
            with suppress(OSError):  # a file system may have no links
                os.link(file, copy)
                return
        shutil.copyfile(file, copy)

    def _add(self, document: Document) -> None:
        connection = self._writable()
        self._words_changed = True
        columns = (document.path, document.title, document.route, document.url, document.source, document.digest)
        row = connection.execute(
            "INSERT INTO documents (site, path, title, route, url, source, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._site, *columns),
        ).lastrowid
        assert row is not None
        for position, section in enumerate(document.sections):
            _add_section(connection, row, position, document.title, section)
        for table in schema.FULL_TEXT:
            schema.add_words(connection, table, row)

    def _drop(self, path: str) -> None:
        connection = self._writable()
        self._words_changed = True
        (row,) = connection.execute(
            "SELECT id FROM documents WHERE site = ? AND path = ?", (self._site, path)
        ).fetchone()
        for table in schema.FULL_TEXT:
            schema.drop_words(connection, table, row)
        for statement in (
            "DELETE FROM chunks WHERE section IN (SELECT id FROM sections WHERE document = ?)",
            "DELETE FROM windows WHERE section IN (SELECT id FROM sections WHERE document = ?)",
            "DELETE FROM sections WHERE document = ?",
            "DELETE FROM documents WHERE id = ?",
        ):
            connection.execute(statement, (row,))


def _add_section(connection: sqlite3.Connection, document: int, position: int, title: str, section: Section) -> None:
    row = connection.execute(
        "INSERT INTO sections (document, position, anchor, heading_path, text, weight) VALUES (?, ?, ?, ?, ?, ?)",
        (
            document,
            position,
            section.anchor,
            json.dumps(section.heading_path, ensure_ascii=False),
            section.text,
            section_weight(section),
        ),
    ).lastrowid
    connection.executemany(
        "INSERT INTO chunks (section, position, text, key) VALUES (?, ?, ?, ?)",
        [
            (row, number, chunk, vector_key(embedded_text(title, section.heading_path, chunk)))
            for number, chunk in enumerate(section.chunks)
        ],
    )
    connection.executemany(
        "INSERT INTO windows (section, text) VALUES (?, ?)",
        [(row, window) for window in windows(section.chunks)],
    )

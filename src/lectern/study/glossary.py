"""The site's glossary: terms that stay as they are in a translation, or are rendered as the site wants them.

A CSV with a header: `term,ur,de`. A row names a term and how each language renders it; an empty cell keeps the
term as it is written. `Store` in the glossary is found as `Store` alone: case counts, and only whole words are terms.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

_LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_WORD = re.compile(r"\w+|[^\w\s]")
_MAX_TERMS = 5_000
_MAX_LENGTH = 200


class BrokenGlossary(ValueError):
    """The glossary cannot be read; its message names the line."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the site.

    Attributes:
        text: As it is written on the pages.
        renderings: Language code → what is written instead; a language that is not in it keeps the term.
    """

    text: str
    renderings: Mapping[str, str] = field(default_factory=dict)

    def rendered(self, language: str | None) -> str | None:
        """What stands for the term in a language, or None when the term stays. `ur-PK` falls back on `ur`."""
        if language is None:
            return None
        code = language.lower()
        return self.renderings.get(code) or self.renderings.get(code.partition("-")[0])


def parse_glossary(text: str) -> tuple[Term, ...]:
    """Read a glossary.

    Args:
        text: The CSV: a header `term,<language code>,…`, then a row a term. Empty rows do not count.

    Raises:
        BrokenGlossary: The header, a row's length or a term is wrong, or a term stands there twice.
    """
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    terms: dict[str, Term] = {}
    languages: list[str] | None = None
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells):
                continue
            if languages is None:
                languages = _header(cells)
                continue
            term = _term(cells, languages, reader.line_num)
            if term.text in terms:
                raise BrokenGlossary(f"line {reader.line_num}: “{term.text}” stands there twice")
            terms[term.text] = term
            if len(terms) > _MAX_TERMS:
                raise BrokenGlossary(f"line {reader.line_num}: more than {_MAX_TERMS} terms")
    except csv.Error as error:
        raise BrokenGlossary(f"line {reader.line_num}: {error}") from error
    if languages is None and text.strip():
        raise BrokenGlossary("line 1: no header; it starts with “term”")
    return tuple(terms.values())


def _header(cells: Sequence[str]) -> list[str]:
    languages = [cell.lower() for cell in cells[1:]]
    if cells[0].lower() != "term":
        raise BrokenGlossary("line 1: the header starts with “term”, then has a language code a column")
    for code in languages:
        if not _LANGUAGE_CODE.fullmatch(code):
            raise BrokenGlossary(f"line 1: “{code}” is no language code")
        if languages.count(code) > 1:
            raise BrokenGlossary(f"line 1: “{code}” stands there twice")
    return languages


def _term(cells: Sequence[str], languages: Sequence[str], line: int) -> Term:
    if len(cells) > len(languages) + 1:
        raise BrokenGlossary(f"line {line}: {len(cells)} cells, but the header has {len(languages) + 1}")
    text = cells[0]
    if not any(char.isalnum() for char in text):
        raise BrokenGlossary(f"line {line}: no term")
    for cell in cells:
        if len(cell) > _MAX_LENGTH or not cell.isprintable():
            raise BrokenGlossary(f"line {line}: a cell is longer than {_MAX_LENGTH} characters or cannot be printed")
    # Terms and renderings are text, and are put where Markdown is read.
    for cell in cells:
        if set(cell) & set("<>`[]{}|\\*$"):
            raise BrokenGlossary(f"line {line}: “{cell}” has a character that is markup")
    return Term(text, {code: cell for code, cell in zip(languages, cells[1:], strict=False) if cell})


class TermFinder:
    """Finds a glossary's terms in a text: whole words, the longest first, in linear time however many there are.

    Args:
        terms: The glossary.
        language: Its code; None keeps every term as it is written.
    """

    def __init__(self, terms: Sequence[Term] = (), language: str | None = None) -> None:
        self._by_first_word: dict[str, list[tuple[re.Pattern[str], str | None]]] = {}
        for term in sorted(terms, key=lambda term: len(term.text), reverse=True):
            words = re.escape(term.text).replace(r"\ ", r"\s+")
            first = _WORD.match(term.text)
            assert first
            pattern = re.compile(rf"(?<!\w){words}(?!\w)")
            self._by_first_word.setdefault(first[0], []).append((pattern, term.rendered(language)))

    def find(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        """Each term between two places: where it starts and ends, and what is written in its stead; None keeps it."""
        if not self._by_first_word:
            return
        for word in _WORD.finditer(text, start, end):
            if word.start() < start:
                continue
            for pattern, written in self._by_first_word.get(word[0], ()):
                if match := pattern.match(text, word.start(), end):
                    yield match.start(), match.end(), written
                    start = match.end()
                    break

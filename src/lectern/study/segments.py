"""Cuts a page of Markdown or MDX at its structure into texts that a model may rewrite, and puts it together again.

Pure: text in, text out. Only stretches of prose of the source are ever replaced; everything else (code, front matter,
markers, tags, definitions, blank lines) stays byte for byte.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from markdown_it.token import Token

from lectern.markdown.esm import looks_like_mdx
from lectern.markdown.parser import parse_blocks
from lectern.study.glossary import Term, TermFinder
from lectern.study.masking import mask
from lectern.study.parts import parts_of
from lectern.study.pieces import BrokenSegment, Page, Setting
from lectern.study.places import Line, Place, find_places, read_lines
from lectern.study.spans import find_spans, span_parser
from lectern.study.writing import restore

__all__ = ["BrokenSegment", "CutText", "Segment", "cut"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A text for the model.

    Attributes:
        number: Its place among the page's segments, from 0.
        section: The section it stands in.
        kind: paragraph, heading, cell (of a table) or title (of an admonition or tab).
        text: One line with placeholders: `<x1/>` for what is kept, `<g2>…</g2>` for a pair around words, numbered
            together from 1; `&lt;` and `&amp;` are the characters `<` and `&`.
    """

    number: int
    section: int
    kind: str
    text: str


@dataclass(slots=True)
class _Unit:
    """Where a text that can change stands in the source, and its segment's number; None when it is but terms."""

    start: int
    end: int
    setting: Setting
    section: int = 0
    number: int | None = None


@dataclass(frozen=True, slots=True)
class CutText:
    """A page, cut.

    Attributes:
        segments: What a model may rewrite, in reading order.
        section_count: How many sections the page has: the lead with the front matter, which may be empty, and one from
            each heading to the next.
    """

    segments: tuple[Segment, ...]
    section_count: int
    _page: Page
    _bounds: tuple[int, ...]
    _units: tuple[_Unit, ...]
    _settings: tuple[Setting, ...]

    def restored(self, number: int, rewritten: str) -> str:
        """Return what stands in the page for a rewritten segment: Markdown again.

        Args:
            number: The segment's.
            rewritten: Its text in other words, with the same placeholders.

        Raises:
            BrokenSegment: It cannot stand there; its `reason` is a short code.
        """
        return restore(self._settings[number], rewritten)

    def section(self, number: int, rewritten: Mapping[int, str]) -> str:
        """Return one section's Markdown.

        Args:
            number: The section's, from 0.
            rewritten: Segment number → rewritten text with placeholders; segments that are not in it stay as they are,
                those of other sections are ignored.

        Raises:
            BrokenSegment: One of the texts cannot stand there.
        """
        own = [unit.number for unit in self._units_of(number) if unit.number is not None and unit.number in rewritten]
        restored = {each: self.restored(each, rewritten[each]) for each in own}
        return self.filled(number, restored, terms=bool(rewritten))

    def filled(self, number: int, restored: Mapping[int, str], *, terms: bool) -> str:
        """Return one section's Markdown, from texts that are restored already.

        Args:
            number: The section's, from 0.
            restored: Segment number → what `restored` returned for it.
            terms: Whether what consists of the glossary's terms only is rendered.
        """
        parts: list[str] = []
        cursor, end = self._bounds[number], self._bounds[number + 1]
        for unit in self._units_of(number):
            # What consists of terms only is no segment: the glossary renders it, where anything is rendered.
            fixed = restore(unit.setting, unit.setting.masked.text) if unit.number is None and terms else None
            text = fixed if unit.number is None else restored.get(unit.number)
            if text is not None:
                parts += (self._page.source[cursor : unit.start], text)
                cursor = unit.end
        return "".join((*parts, self._page.source[cursor:end]))

    def _units_of(self, section: int) -> tuple[_Unit, ...]:
        first = bisect_left(self._units, section, key=lambda unit: unit.section)
        last = bisect_right(self._units, section, key=lambda unit: unit.section)
        return self._units[first:last]

    def whole(self, rewritten: Mapping[int, str]) -> str:
        """Return the page's Markdown: its sections, joined. With nothing rewritten it is the source.

        Raises:
            BrokenSegment: As for `section`.
        """
        return "".join(self.section(number, rewritten) for number in range(self.section_count))


def cut(markdown: str, *, path: str = "", terms: Sequence[Term] = (), language: str | None = None) -> CutText:
    """Cut a page.

    Takes about a second for the largest pages (200 KB), so a server calls it in a thread.

    Args:
        markdown: The page as it is written, front matter included, with any line ends.
        path: Its file's name; `.mdx` decides for MDX, other pages are looked at.
        terms: The site's glossary. A term is a placeholder in the segments.
        language: The code of the language that the page will be in: terms come back as the glossary renders them there.
            None brings them back as they are written.
    """
    lines = read_lines(markdown)
    text = "\n".join(line.text for line in lines)
    mdx = path.endswith(".mdx") or looks_like_mdx(text)
    md = span_parser(mdx=mdx)
    env: dict[str, Any] = {}
    tokens = parse_blocks(md, text, env)
    page = Page(md, mdx, env.get("references", {}), markdown)
    starts = _section_starts(tokens, lines)
    finder = TermFinder(terms, language)
    units: list[_Unit] = []
    segments: list[Segment] = []
    for place in chain.from_iterable(map(parts_of, find_places(tokens, lines))):
        setting = _set(page, place, finder)
        if setting is None:
            continue
        masked = setting.masked
        unit = _Unit(place.source_offset(masked.start), place.source_offset(masked.end), setting)
        if units and unit.start < units[-1].end:
            continue
        unit.section = bisect_right(starts, unit.start)
        if masked.has_words:
            unit.number = len(segments)
            kind = "heading" if place.kind == "underlined" else place.kind
            segments.append(Segment(unit.number, unit.section, kind, masked.text))
        units.append(unit)
    settings = tuple(unit.setting for unit in units if unit.number is not None)
    return CutText(tuple(segments), len(starts) + 1, page, (0, *starts, len(markdown)), tuple(units), settings)


def _set(page: Page, place: Place, finder: TermFinder) -> Setting | None:
    """Mask a place; None when nothing in it can change."""
    spans = find_spans(page.md, place.content, page.references)
    masked = mask(place.content, spans, finder)
    if masked is None:
        return None
    setting = Setting(page, place, spans, masked)
    if not masked.has_words:
        try:
            restore(setting, masked.text)
        except BrokenSegment:
            return None
    return setting


def _section_starts(tokens: Sequence[Token], lines: Sequence[Line]) -> tuple[int, ...]:
    """Where the lines of headings begin that stand in nothing."""
    headings = (token for token in tokens if token.type == "heading_open" and not token.level)
    return tuple(sorted({lines[token.map[0]].start for token in headings if token.map} - {0}))

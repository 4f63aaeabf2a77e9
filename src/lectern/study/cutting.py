"""Reads a page: where its sections begin, which stretches of it can change, and what a model sees of each."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from markdown_it.token import Token

from lectern.markdown.esm import looks_like_mdx
from lectern.markdown.parser import parse_blocks
from lectern.study.broken import BrokenSegment
from lectern.study.glossary import Term, TermFinder
from lectern.study.masking import mask
from lectern.study.parts import parts_of
from lectern.study.pieces import Page, Setting
from lectern.study.places import Line, Place, find_places, read_lines
from lectern.study.spans import find_spans, span_parser
from lectern.study.writing import restore


@dataclass(slots=True)
class Unit:
    """Where a text that can change stands in the source, and its segment's number; None when it is but terms."""

    start: int
    end: int
    setting: Setting
    section: int = 0
    number: int | None = None

    @property
    def kind(self) -> str:
        """What it is; both forms of headings are headings."""
        kind = self.setting.place.kind
        return "heading" if kind == "underlined" else kind


@dataclass(frozen=True, slots=True)
class CutPage:
    """A page's source, the bounds of its sections, what of it can change, and which of that a model is offered."""

    source: str
    bounds: tuple[int, ...]
    units: tuple[Unit, ...]
    offered: tuple[Unit, ...]


def cut_page(markdown: str, *, path: str, terms: Sequence[Term], language: str | None) -> CutPage:
    """Read a page; the arguments are those of `segments.cut`."""
    lines = read_lines(markdown)
    text = "\n".join(line.text for line in lines)
    mdx = path.endswith(".mdx") or looks_like_mdx(text)
    md = span_parser(mdx=mdx)
    env: dict[str, Any] = {}
    tokens = parse_blocks(md, text, env)
    page = Page(md, mdx, env.get("references", {}), markdown)
    starts = _section_starts(tokens, lines)
    finder = TermFinder(terms, language)
    units: list[Unit] = []
    offered: list[Unit] = []
    for place in chain.from_iterable(map(parts_of, find_places(tokens, lines))):
        setting = _set(page, place, finder)
        if setting is None:
            continue
        masked = setting.masked
        unit = Unit(place.source_offset(masked.start), place.source_offset(masked.end), setting)
        if units and unit.start < units[-1].end:
            continue
        unit.section = bisect_right(starts, unit.start)
        if masked.has_words:
            unit.number = len(offered)
            offered.append(unit)
        units.append(unit)
    return CutPage(markdown, (0, *starts, len(markdown)), tuple(units), tuple(offered))


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
    return tuple(sorted({lines[token.map[0]].start for token in headings if token.map}))

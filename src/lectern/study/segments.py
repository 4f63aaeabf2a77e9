"""Cuts a page of Markdown or MDX at its structure into texts that a model may rewrite, and puts it together again.

Pure: text in, text out. Only stretches of prose of the source are ever replaced; everything else (code, front matter,
markers, tags, definitions, blank lines) stays byte for byte.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lectern.study.broken import BrokenSegment
from lectern.study.glossary import Term

if TYPE_CHECKING:
    from lectern.study.cutting import CutPage, Unit

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
    _page: "CutPage"

    def restored(self, number: int, rewritten: str) -> str:
        """Return what stands in the page for a rewritten segment: Markdown again.

        Args:
            number: The segment's.
            rewritten: Its text in other words, with the same placeholders.

        Raises:
            BrokenSegment: It cannot stand there; its `reason` is a short code.
        """
        from lectern.study.writing import restore  # noqa: PLC0415 - brings the parser, which no start waits for

        return restore(self._page.offered[number].setting, rewritten)

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
        from lectern.study.writing import restore  # noqa: PLC0415 - as above

        page = self._page
        parts: list[str] = []
        cursor, end = page.bounds[number], page.bounds[number + 1]
        for unit in self._units_of(number):
            # What consists of terms only is no segment: the glossary renders it, where anything is rendered.
            fixed = restore(unit.setting, unit.setting.masked.text) if unit.number is None and terms else None
            text = fixed if unit.number is None else restored.get(unit.number)
            if text is not None:
                parts += (page.source[cursor : unit.start], text)
                cursor = unit.end
        return "".join((*parts, page.source[cursor:end]))

    def _units_of(self, section: int) -> "Sequence[Unit]":
        units = self._page.units
        first = bisect_left(units, section, key=lambda unit: unit.section)
        last = bisect_right(units, section, key=lambda unit: unit.section)
        return units[first:last]

    def whole(self, rewritten: Mapping[int, str]) -> str:
        """Return the page's Markdown: its sections, joined. With nothing rewritten it is the source.

        Raises:
            BrokenSegment: As for `section`.
        """
        return "".join(self.section(number, rewritten) for number in range(self.section_count))


def cut(markdown: str, *, path: str = "", terms: Sequence[Term] = (), language: str | None = None) -> CutText:
    """Cut a page.

    Takes about 1 ms for 1 KB of a documentation page, and a hundred times that for text made to be slow; linear in both
    cases. A server calls it in a thread.

    Args:
        markdown: The page as it is written, front matter included, with any line ends.
        path: Its file's name; `.mdx` decides for MDX, other pages are looked at.
        terms: The site's glossary. A term is a placeholder in the segments.
        language: The code of the language that the page will be in: terms come back as the glossary renders them there.
            None brings them back as they are written.
    """
    from lectern.study.cutting import cut_page  # noqa: PLC0415 - brings the parser, which no start waits for

    page = cut_page(markdown, path=path, terms=terms, language=language)
    segments = (
        Segment(number, unit.section, unit.kind, unit.setting.masked.text) for number, unit in enumerate(page.offered)
    )
    return CutText(tuple(segments), len(page.bounds) - 1, page)

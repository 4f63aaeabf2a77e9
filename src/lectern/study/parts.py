"""Cuts stretches of prose that are too much at once: a paragraph of many pages, a term and its definitions.

Inline syntax costs more than linear time to read, so a long paragraph is read in parts, which begin and end where no
syntax seems to be open.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lectern.markdown.parser import MAX_INLINE
from lectern.study.places import Place

_MAX_PART = 4_000
_DEFINITION = re.compile(r"\n[ \t]*:[ \t]+(?=\S)")
_SIGN = re.compile(r"(?P<blank>\s+)|(?P<code>`+)|(?P<open>[\[({]|<(?=[\w/!]))|(?P<close>[\])}>])|(?P<mark>[*_~$]+)|\\.")
_SENTENCE_ENDS = frozenset(".!?;:؟۔。！？")  # noqa: RUF001 - full-width marks end sentences too


def parts_of(place: Place) -> Iterator[Place]:
    """The place itself when it is short; else its parts, in order.

    A stretch of more than `MAX_INLINE` characters in which syntax stays open is left out: it is a dump.
    """
    start = 0
    for definition in _DEFINITION.finditer(place.content) if place.kind == "paragraph" else ():
        yield from _short(place.part(start, definition.start()) if start else place, definition.start() - start)
        start = definition.end()
    yield from _short(place.part(start, len(place.content)) if start else place, len(place.content) - start)


def _short(place: Place, length: int) -> Iterator[Place]:
    if length <= MAX_INLINE:
        yield place if length == len(place.content) else place.part(0, length)
        return
    start = 0
    for end in (*_ends(place.content[:length]), length):
        if 0 < end - start <= MAX_INLINE:
            yield place.part(start, end)
        start = end


def _ends(content: str) -> Iterator[int]:
    """Where parts end: at a sentence's end if there is one, at a blank if not, always outside syntax."""
    start = blank = sentence = 0
    syntax = _OpenSyntax()
    for sign in _SIGN.finditer(content):
        if not sign["blank"]:
            syntax.take(content, sign)
            continue
        end = sign.end()
        if not syntax:
            blank = end
            sentence = end if content[sign.start() - 1] in _SENTENCE_ENDS else sentence
        if end - start > _MAX_PART and blank > start:
            start = sentence if sentence > start else blank
            yield start
        elif end - start > MAX_INLINE:
            start, syntax = end, _OpenSyntax()
            yield start


@dataclass(slots=True)
class _OpenSyntax:
    """What seems to be open at a place; false when nothing is."""

    depth: int = 0
    code: str = ""
    marks: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.depth or self.code or self.marks)

    def take(self, content: str, sign: re.Match[str]) -> None:
        """Go on behind one sign."""
        if sign["code"]:
            self.code = "" if self.code == sign["code"] else self.code or sign["code"]
        elif self.code:
            return
        elif sign["open"]:
            self.depth += 1
        elif sign["close"]:
            self.depth = max(0, self.depth - 1)
        elif sign["mark"] and _is_delimiter(content, sign):
            self.marks ^= {sign["mark"]}


def _is_delimiter(content: str, sign: re.Match[str]) -> bool:
    """Whether a run of markers could begin or end something: not between blanks, and no `_` inside a word."""
    before, after = content[sign.start() - 1 : sign.start()] or " ", content[sign.end() : sign.end() + 1] or " "
    inside_word = sign["mark"][0] == "_" and before.isalnum() and after.isalnum()
    return not (before.isspace() and after.isspace()) and not inside_word

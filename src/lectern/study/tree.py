"""An inline text as a tree: words, marks that are kept, and pairs around words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lectern.study.glossary import TermFinder
from lectern.study.spans import Span

# Elements whose text is code, or no prose.
_RAW = frozenset("code kbd math pre samp script style svg textarea var".split())
_VOID = frozenset("area br col embed hr img input source track wbr".split())
# Pairs of Markdown inside each other, and of tags between two of those; what is deeper is kept piece by piece.
_MAX_DEPTH = 12
_TAG_NAME = re.compile(r"</?\s*(?P<name>[A-Za-z][\w.:-]*)?")
# A task's, or the kind of a call-out that only other tools know.
_BOX = re.compile(r"\[(?:[ xX]|![A-Za-z]+)\][-+]?(?=\s)")

_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Words:
    """Text between syntax, as it is written."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What one placeholder stands for: a stretch of the content, or what is to be written in its stead."""

    start: int
    end: int
    kind: str
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A pair and what it encloses."""

    opening: Mark
    closing: Mark
    children: tuple["Node", ...]


Node = Words | Mark | Group


def read_tree(content: str, spans: Sequence[Span], terms: TermFinder) -> list[Node]:
    """The content as a tree; pairs without words become marks."""
    stack: list[tuple[Mark, list[Node]]] = [(Mark(0, 0, ""), [])]
    cursor = too_deep = 0
    for span in spans:
        stack[-1][1].extend(_words(content, cursor, span.start, terms))
        cursor = span.end
        mark = Mark(span.start, span.end, span.kind, span.written)
        if (span.role == "open" and len(stack) > _MAX_DEPTH) or (span.role == "close" and too_deep):
            too_deep += 1 if span.role == "open" else -1
            stack[-1][1].append(mark)
        elif span.role == "open":
            stack.append((mark, []))
        elif span.role == "close" and len(stack) > 1:
            opening, children = stack.pop()
            stack[-1][1].append(_group(opening, mark, _pair_tags(content, children)))
        else:
            stack[-1][1].append(mark)
    stack[-1][1].extend(_words(content, cursor, len(content), terms))
    while len(stack) > 1:  # a pair that the parser did not close is no pair
        opening, children = stack.pop()
        stack[-1][1].extend((opening, *children))
    return _pair_tags(content, stack[0][1])


def _words(content: str, start: int, end: int, terms: TermFinder) -> Iterator[Node]:
    """The text between two pieces of syntax, with the glossary's terms and a box taken out."""
    if start == 0 and (box := _BOX.match(content, 0, end)):
        yield Mark(0, box.end(), "box")
        start = box.end()
    for first, last, written in terms.find(content, start, end):
        if start < first:
            yield Words(start, first, content[start:first])
        yield Mark(first, last, "term", written)
        start = last
    if start < end:
        yield Words(start, end, content[start:end])


def _group(opening: Mark, closing: Mark, children: Sequence[Node]) -> Mark | Group:
    if any(can_change(child) for child in children):
        return Group(opening, closing, tuple(children))
    return Mark(opening.start, closing.end, opening.kind)


def _pair_tags(content: str, nodes: Sequence[Node]) -> list[Node]:
    """Make a pair of each opening tag and the closing tag that belongs to it among the same siblings."""
    paired: list[Node] = []
    open_tags: list[tuple[str, int]] = []
    for node in nodes:
        paired.append(node)
        if not isinstance(node, Mark) or node.kind != "tag":
            continue
        name, closes, stands_alone = _read_tag(content[node.start : node.end])
        if not closes:
            if not stands_alone:
                open_tags.append((name, len(paired) - 1))
                del open_tags[:-_MAX_DEPTH]
            continue
        depth = next((n for n, (opened, _) in enumerate(reversed(open_tags)) if opened == name), None)
        if depth is None:
            continue
        index = open_tags[-1 - depth][1]
        del open_tags[-1 - depth :]
        opening = paired[index]
        assert isinstance(opening, Mark)
        children = paired[index + 1 : -1]
        del paired[index:]
        is_raw = name.lower() in _RAW
        paired.append(Mark(opening.start, node.end, "code") if is_raw else _group(opening, node, children))
    return paired


def _read_tag(tag: str) -> tuple[str, bool, bool]:
    """A tag's name, whether it closes, and whether it stands for itself."""
    match = _TAG_NAME.match(tag)
    name = (match["name"] or "") if match else ""
    return name, tag.startswith("</"), tag.endswith("/>") or tag.startswith("<!") or name.lower() in _VOID


def has_words(node: Node) -> bool:
    """Whether there is a letter that a model may change."""
    if isinstance(node, Words):
        return _LETTER.search(node.text) is not None
    return isinstance(node, Group) and any(has_words(child) for child in node.children)


def can_change(node: Node) -> bool:
    """Whether there are words in it, or a term that is rendered."""
    if isinstance(node, Group):
        return any(can_change(child) for child in node.children)
    return has_words(node) if isinstance(node, Words) else node.kind == "term" and node.written is not None

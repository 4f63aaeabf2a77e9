"""Makes an inline text into what a model may see: words, and placeholders for everything else.

`<x1/>` stands for something that is kept as it is (code, math, an image, an address), `<g2>…</g2>` for a pair around
words that may change (a link, emphasis, a tag). They are numbered together, from 1, in order. A `<` or `&` of the text
itself is written `&lt;` and `&amp;`, as in XML, so that it can be taken for nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lectern.study.glossary import TermFinder
from lectern.study.spans import Span
from lectern.study.tree import Group, Mark, Node, Words, can_change, has_words, read_tree

_TRIMMED = frozenset({"box", "break", "footnote", "image", "tag"})
_BLANKS = re.compile(r"[ \t\n]+")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text for the model.

    Attributes:
        text: With placeholders.
        start: Where in the content it starts; what stands before it is none of the model's business.
        end: Where it ends.
        has_words: Whether a model has something to do; without, there are only terms that the glossary renders.
        nodes: What each number stands for.
        parents: The pair that each number stands in; 0 for none.
    """

    text: str
    start: int
    end: int
    has_words: bool
    nodes: Mapping[int, Mark | Group]
    parents: Mapping[int, int]


def mask(content: str, spans: Sequence[Span], terms: TermFinder) -> Masked | None:
    """Return a content with its syntax masked, or None when nothing in it can change."""
    nodes = _trim(read_tree(content, spans, terms))
    if not any(can_change(node) for node in nodes):
        return None
    writer = _Writer({}, {})
    text = writer.write(nodes, 0)
    offered = any(has_words(node) for node in nodes)
    return Masked(text, _start(nodes[0]), _end(nodes[-1]), offered, writer.nodes, writer.parents)


def encode(text: str) -> str:
    """Write a text so that nothing in it looks like a placeholder."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


@dataclass(slots=True)
class _Writer:
    nodes: dict[int, Mark | Group]
    parents: dict[int, int]

    def write(self, nodes: Sequence[Node], parent: int) -> str:
        parts: list[str] = []
        for node in nodes:
            if isinstance(node, Words):
                parts.append(encode(_BLANKS.sub(" ", node.text)))
                continue
            number = len(self.nodes) + 1
            self.nodes[number], self.parents[number] = node, parent
            if isinstance(node, Mark):
                parts.append(f"<x{number}/>")
            else:
                parts.append(f"<g{number}>{self.write(node.children, number)}</g{number}>")
        return "".join(parts)


def _trim(nodes: Sequence[Node]) -> Sequence[Node]:
    """Leave out what stands at the ends and says nothing: blanks, tags, images, marks; and a pair around it all."""
    first, last = 0, len(nodes)
    while first < last and _says_nothing(nodes[first]):
        first += 1
    while first < last and _says_nothing(nodes[last - 1]):
        last -= 1
    nodes = list(nodes[first:last])
    if nodes and isinstance(head := nodes[0], Words):
        bare = head.text.lstrip()
        nodes[0] = Words(head.end - len(bare), head.end, bare) if head.end - head.start == len(head.text) else head
    if nodes and isinstance(tail := nodes[-1], Words):
        bare = tail.text.rstrip()
        nodes[-1] = Words(tail.start, tail.start + len(bare), bare)
    if len(nodes) == 1 and isinstance(only := nodes[0], Group) and only.closing.written is None:
        return _trim(only.children)
    return nodes


def _says_nothing(node: Node) -> bool:
    return (isinstance(node, Mark) and node.kind in _TRIMMED) or (isinstance(node, Words) and not node.text.strip())


def _start(node: Node) -> int:
    return node.opening.start if isinstance(node, Group) else node.start


def _end(node: Node) -> int:
    return node.closing.end if isinstance(node, Group) else node.end

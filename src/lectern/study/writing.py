"""Puts a rewritten text back where it came from: placeholders become what they stand for, and nothing else is markup.

What a model writes is text. It is written so that it means itself, and the outcome is parsed again: unless its syntax
is that of the original, and it is still one block of the same kind, it is refused.
"""

import re
from collections import Counter
from collections.abc import Sequence

from markdown_it.common.utils import mdTrim

from lectern.markdown.parser import MAX_INLINE, parse_blocks
from lectern.study.broken import BrokenSegment
from lectern.study.pieces import Piece, Setting, take_apart
from lectern.study.settling import settle, trim
from lectern.study.spans import Span, find_spans

_ENTITY = re.compile(r"&(?=#?\w{1,40};)")
_BLOCK_START = re.compile(
    r"(?:#{1,6}(?=\s|$)|[-+*:](?=\s|$)|>|\||:{3}|~{3}|`{3}|!{3}|\?{3}|={1,}|-{2,}|\*{2,}|_{2,}|\$\$)"
)
_NUMBER = re.compile(r"(?P<number>\d{1,9})(?P<mark>[.)])(?=\s|$)")
# MDX takes a paragraph that begins so for code, whatever follows.
_MODULE_WORD = re.compile(r"(?:im|ex)port\s")
_MARKUP = re.compile(r"[\\`*_\[\]{}~$|#!+=^]")
_BRACES = re.compile(r"[{}]")
_TITLE_CHARACTERS = str.maketrans({'"': "”", "[": "(", "]": ")", "{": "(", "}": ")"})
# What a model may not add. The rest that looks like syntax (a lone `*`) is its text, and is escaped.
_FOREIGN = frozenset({"break", "code", "expression", "footnote", "image", "link", "math", "tag", "url"})
# Words in other languages are longer; what is longer than that is no translation, and dear to parse.
_MOST_WRITTEN = 2 * MAX_INLINE
_UNCOUNTED = frozenset({"emoji", "entity", "escape"})


def restore(setting: Setting, rewritten: str) -> str:
    """Return the source that stands in the place of the original.

    Raises:
        BrokenSegment: It must not.
    """
    pieces = take_apart(setting, rewritten)
    settle(pieces)
    trim(pieces)
    if setting.masked.has_words and not any(piece.kind == "text" and piece.text.strip() for piece in pieces):
        raise BrokenSegment("empty")
    for thorough in (False, True):
        written = [_written(setting, pieces, index, thorough=thorough) for index in range(len(pieces))]
        if _is_same(setting, "".join(written), last=thorough):
            break
    return "".join(text if piece.kind == "text" else piece.source for piece, text in zip(pieces, written, strict=True))


def _written(setting: Setting, pieces: Sequence[Piece], index: int, *, thorough: bool) -> str:
    """A piece as it is put into the page: text so that it means itself."""
    piece = pieces[index]
    if piece.kind != "text":
        return piece.text
    kind = setting.place.kind
    text = _ENTITY.sub("&amp;", piece.text)
    text = text.translate(_TITLE_CHARACTERS) if kind == "title" else text
    starts_line = pieces[index - 1].kind == "break" if index else _starts_line(setting)
    text = text.lstrip(" ") if starts_line else text
    first = _BLOCK_START.match(text) if starts_line else None
    number = _NUMBER.match(text) if starts_line else None
    module = _MODULE_WORD.match(text) if starts_line else None
    if thorough:
        text = _MARKUP.sub(r"\\\g<0>", text)
    else:
        text = text.replace("|", "\\|") if kind == "cell" else text
        if setting.page.mdx or "{" not in setting.masked.text:
            text = _BRACES.sub(r"\\\g<0>", text)
    if module:
        text = f"&#{ord(text[0])};{text[1:]}"
    if first and not text.startswith("\\"):
        text = "\\" + text
    elif number:
        text = f"{number['number']}\\{text[number.start('mark') :]}"
    return text.replace("<", "&lt;")


def _starts_line(setting: Setting) -> bool:
    """Whether what the model writes comes first in its line, or first in a footnote."""
    before = setting.place.content[: setting.masked.start].strip(" \t")
    return not before or before.endswith("\n") or before.startswith("[^")


def _is_same(setting: Setting, text: str, *, last: bool) -> bool:
    """Whether a text in the place of the original has its syntax and is one block of its kind.

    Raises:
        BrokenSegment: Something was added that is no text; or it is not the same, and this is the last try.
    """
    masked = setting.masked
    content = setting.place.content[: masked.start] + text + setting.place.content[masked.end :]
    if len(content) > _MOST_WRITTEN:
        raise BrokenSegment("structure")
    old = _count(setting.spans, setting.place.content)
    new = _count(find_spans(setting.page.md, content, setting.page.references), content)
    same = old == new and text == mdTrim(text) and _is_one_block(setting, content)
    if not same and any(kind in _FOREIGN for kind, _role, _text in new - old) and not old - new:
        raise BrokenSegment("markup")
    if not same and last:
        raise BrokenSegment("structure")
    return same


def _count(spans: Sequence[Span], content: str) -> Counter[tuple[str, str, str]]:
    return Counter(
        (span.kind, span.role, span.written or content[span.start : span.end])
        for span in spans
        if span.kind not in _UNCOUNTED
    )


def _is_one_block(setting: Setting, content: str) -> bool:
    """Whether the content, parsed by itself, is a single block with this text."""
    kind = setting.place.kind
    frame = {"heading": "# {}", "underlined": "{}\n---", "cell": "|{}|\n|---|"}.get(kind, "{}")
    if kind == "title":
        return content[:1] not in "[{" or content[:1] == setting.place.content[:1]
    tokens = parse_blocks(setting.page.md, frame.replace("{}", content), {})
    inline = [token for token in tokens if token.type == "inline"]
    if kind == "cell":
        return len(inline) == 1 and tokens[0].type == "table_open" and inline[0].content == content.replace("\\|", "|")
    block = "paragraph" if kind == "paragraph" else "heading"
    is_alone = [token.type for token in tokens] == [f"{block}_open", "inline", f"{block}_close"]
    return is_alone and _bare(inline[0].content) == _bare(content)


def _bare(content: str) -> str:
    return "\n".join(line.strip(" \t") for line in mdTrim(content).split("\n"))

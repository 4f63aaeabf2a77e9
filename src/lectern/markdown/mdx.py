"""Markdown-it rules for MDX and raw HTML: tags and expressions go, the text between them stays.

Code fences and code spans are taken by the parser's own rules first, so nothing inside them is touched.
MDX's `import`/`export` blocks, JSX tags with multi-line props, `{expressions}` and comments of both kinds are known.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from lectern.markdown.esm import use_esm
from lectern.markdown.failures import count_failure, gave_up
from lectern.markdown.jsx import (
    expression_text,
    is_comment,
    is_unclosed,
    raw_text,
    scan_angle,
    scan_braces,
    starts_tag,
    tag_name,
    tag_text,
)

_COMMENT_START = re.compile(r"\{\s*/\*")
_ATTRIBUTES = re.compile(r"\{:?\s*(?:[.#][\w:-]+\s*)+\}")
_HEADING = re.compile(r"<h(?P<level>[1-6])(?P<attributes>(?:\s[^<>]*)?)>(?P<text>.*)</h(?P=level)>\s*", re.IGNORECASE)
_ID = re.compile(r"\sid=[\"'](?P<id>[^\"']+)[\"']")
# Tags that start or end a line for the reader.
_LINE_BREAK = re.compile(
    r"</?(?:br|hr|p|div|section|summary|details|blockquote|ul|ol|li|dl|dt|dd|table|tr|td|th|figcaption|h[1-6]|Tabs?)\b"
    r"|</TabItem",
    re.IGNORECASE,
)


def use_mdx(md: MarkdownIt, *, expressions: bool) -> None:
    """Teach a parser the rules.

    Args:
        md: The parser; its own HTML rules are replaced.
        expressions: Whether `{…}` is code, as in MDX, or text, as in plain Markdown. Comments `{/* … */}` always go.
    """

    def braces_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
        return _flow(state, start, end, silent=silent, expressions=expressions)

    def braces_inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
        return _expression(state, silent=silent, expressions=expressions)

    stops: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    md.block.ruler.at("html_block", braces_block, stops)
    use_esm(md)
    md.inline.ruler.at("html_inline", _tag)
    md.inline.ruler.before("html_inline", "expression", braces_inline)


def _flow(state: StateBlock, start: int, end: int, *, silent: bool, expressions: bool) -> bool:
    """Take lines that hold nothing but tags, expressions and comments."""
    position = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or position >= state.eMarks[start] or state.src[position] not in "<{":
        return False
    if _html_heading(state, start, silent=silent):
        return True
    taken = _flow_parts(state, position, state.eMarks[end - 1], expressions=expressions)
    if taken is None or silent:
        return taken is not None
    parts, position = taken
    line = start
    while state.eMarks[line] < position:
        line += 1
    state.line = line + 1
    for part in parts:
        _emit_flow(state, part)
    if position < state.eMarks[line]:
        # Text after a comment is read as if its line began there.
        state.bMarks[line], state.tShift[line], state.sCount[line] = position, 0, state.blkIndent
        state.md.block.tokenize(state, line, line + 1)
    return True


def _flow_parts(state: StateBlock, position: int, limit: int, *, expressions: bool) -> tuple[list[str], int] | None:
    """The tags, expressions and comments up to the end of a line, and where that is.

    Text after them makes the line a paragraph, which is none of ours; after a comment it is read on its own.
    """
    src = state.src
    parts: list[str] = []
    while position < limit and src[position] != "\n":
        stop = _scan(state, position, limit, expressions=expressions)
        if stop is None:
            return (parts, position) if parts and parts[-1].endswith(("-->", "*/}")) else None
        parts.append(src[position:stop])
        position = stop
        while position < limit and src[position] in " \t":
            position += 1
    return parts, position


def _html_heading(state: StateBlock, start: int, *, silent: bool) -> bool:
    """Take `<h2 id="x">Title</h2>`; without an id it has no anchor, so only a title (`h1`) counts then."""
    heading = _HEADING.fullmatch(state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start])
    identity = _ID.search(heading["attributes"]) if heading else None
    if heading is None or (identity is None and heading["level"] != "1"):
        return False
    if not silent:
        tag = "h" + heading["level"]
        state.push("heading_open", tag, 1).map = [start, start + 1]
        inline = state.push("inline", "", 0)
        inline.content, inline.children, inline.map = heading["text"].strip(), [], [start, start + 1]
        inline.meta["at"] = heading.start("text") + len(heading["text"]) - len(heading["text"].lstrip())
        inline.meta["id"] = identity["id"] if identity else None
        state.push("heading_close", tag, -1)
        state.line = start + 1
    return True


def _scan(state: StateBlock | StateInline, position: int, limit: int, *, expressions: bool) -> int | None:
    """Where the tag, comment or expression that starts here ends, or None when there is none.

    Each opening that nothing closes costs a look at the text behind it, so only so many are tried on one page.
    """
    src = state.src
    if src[position] == "{":
        wanted = _COMMENT_START.match(src, position) or (expressions and not src.startswith("{#", position))
        find = scan_braces
    else:
        wanted = starts_tag(src, position)
        find = scan_angle
    if not wanted or gave_up(state):
        return None
    stop = find(src, position, limit)
    if stop is None or is_unclosed(src[position:stop]):
        count_failure(state)
    elif src[position] == "{" and not expressions and not is_comment(src[position:stop]):
        return None
    return stop


def _emit_flow(state: StateBlock, part: str) -> None:
    if part.startswith("{"):
        _emit_text(state, expression_text(part))
    elif part.startswith("<!"):
        return
    elif (code := raw_text(part)) is not None:
        if code.strip():
            token = state.push("code_block", "code", 0)
            token.content = code
    elif not part.startswith("</"):
        token = state.push("element", "", 0)
        token.content = tag_name(part)
        _emit_text(state, tag_text(part))


def _emit_text(state: StateBlock, text: str) -> None:
    """Write words that stood in an attribute or a string as a paragraph of their own."""
    if not text.strip():
        return
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.children = []
    inline.content = text.strip()
    state.push("paragraph_close", "p", -1)


def _tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    position = state.pos
    if state.src[position] != "<":
        return False
    stop = _scan(state, position, state.posMax, expressions=False)
    if stop is None or _is_generic(state.src, position, stop):
        return False
    if not silent:
        part = state.src[position:stop]
        if _LINE_BREAK.match(part):
            state.push("hardbreak", "br", 0)
        elif not part.startswith(("</", "<!")):
            token = state.push("element", "", 0)
            token.content = raw_text(part) or f"{tag_text(part)} ".lstrip()
    state.pos = stop
    return True


def _is_generic(src: str, position: int, stop: int) -> bool:
    """Whether `<string>` closes a type such as `Array<string>`: glued to a word, no attributes, nothing to close it."""
    if position == 0 or not (src[position - 1].isalnum() or src[position - 1] == "_"):
        return False
    name = src[position + 1 : stop - 1]
    return name.isidentifier() and f"</{name}" not in src[stop:]


def _expression(state: StateInline, *, silent: bool, expressions: bool) -> bool:
    position = state.pos
    if state.src[position] != "{":
        return False
    stop = _scan(state, position, state.posMax, expressions=expressions)
    if stop is None:
        listed = None if expressions else _ATTRIBUTES.match(state.src, position, state.posMax)
        if listed is None:
            return False
        stop = listed.end()
    if not silent:
        part = state.src[position:stop]
        token = state.push("expression", "", 0)
        token.content = expression_text(part)
        token.meta = {"source": part[1:-1]}
    state.pos = stop
    return True

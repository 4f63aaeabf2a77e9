"""Markdown-it rules for MDX and raw HTML: tags and expressions go, the text between them stays.

Code fences and code spans are taken by the parser's own rules first, so nothing inside them is touched.
MDX's `import`/`export` blocks, JSX tags with multi-line props, `{expressions}` and comments of both kinds are known.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from lectern.ingest.jsx import (
    expression_text,
    is_comment,
    raw_text,
    scan_braces,
    scan_comment,
    scan_raw,
    scan_tag,
    tag_name,
    tag_text,
)

_ESM = re.compile(
    r"(?:import\s+(?:['\"{*\w$])|export\s+(?:default|const|let|var|function|async|class|type|interface|[{*]))"
)
_IMPORT_FROM = re.compile(r"(?:^import\s*|\bfrom\s*)['\"][^'\"\n]+['\"]", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\{:?\s*(?:[.#][\w:-]+\s*)+\}")
_HEADING = re.compile(r"<h(?P<level>[1-6])(?P<attributes>(?:\s[^<>]*)?)>(?P<text>.*)</h(?P=level)>\s*", re.IGNORECASE)
_ID = re.compile(r"\sid=[\"'](?P<id>[^\"']+)[\"']")
_LINE_BREAK = re.compile(r"<(?:br|hr)\b", re.IGNORECASE)


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
    md.block.ruler.before("html_block", "esm", _esm)
    md.inline.ruler.at("html_inline", _tag)
    md.inline.ruler.before("html_inline", "expression", braces_inline)


def _esm(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Drop a block of imports and exports; blank lines inside open braces belong to it."""
    if silent or state.sCount[start] != 0 or not _ESM.match(state.src, state.bMarks[start]):
        return False
    begin = state.bMarks[start]
    line = start
    while True:
        while line < end and not state.isEmpty(line):
            line += 1
        block = state.src[begin : state.eMarks[line - 1]]
        if line >= end or block.count("{") <= block.count("}"):
            break
        line += 1
    if block.startswith("import") and not _IMPORT_FROM.search(block):
        return False
    state.line = line
    return True


def _flow(state: StateBlock, start: int, end: int, *, silent: bool, expressions: bool) -> bool:
    """Take lines that hold nothing but tags, expressions and comments."""
    position = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or position >= state.eMarks[start] or state.src[position] not in "<{":
        return False
    if _html_heading(state, start, silent=silent):
        return True
    taken = _flow_parts(state.src, position, state.eMarks[end - 1], expressions=expressions)
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
        _restart_line(state, line, position)
    return True


def _flow_parts(src: str, position: int, limit: int, *, expressions: bool) -> tuple[list[str], int] | None:
    """The tags, expressions and comments up to the end of a line, and where that is.

    Text after them makes the line a paragraph, which is none of ours; after a comment it is read on its own.
    """
    parts: list[str] = []
    while position < limit and src[position] != "\n":
        stop = _scan(src, position, limit, expressions=expressions)
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
        state.push("heading_open", tag, 1)
        inline = state.push("inline", "", 0)
        inline.content, inline.children = heading["text"].strip(), []
        inline.meta["id"] = identity["id"] if identity else None
        state.push("heading_close", tag, -1)
        state.line = start + 1
    return True


def _restart_line(state: StateBlock, line: int, position: int) -> None:
    """Let the text after a comment be read as a line of its own."""
    state.bMarks[line] = position
    state.tShift[line] = 0
    state.sCount[line] = state.blkIndent
    state.line = line


def _scan(src: str, position: int, limit: int, *, expressions: bool) -> int | None:
    """Where the tag, comment or expression that starts here ends, or None when there is none."""
    if src[position] == "{":
        stop = scan_braces(src, position, limit)
        return stop if stop and (expressions or is_comment(src[position:stop])) and src[position + 1] != "#" else None
    if src[position] != "<":
        return None
    return scan_comment(src, position, limit) or scan_raw(src, position, limit) or scan_tag(src, position, limit)


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
    stop = _scan(state.src, position, state.posMax, expressions=False)
    if stop is None or _is_generic(state.src, position, stop):
        return False
    if not silent:
        part = state.src[position:stop]
        if _LINE_BREAK.match(part):
            state.push("hardbreak", "br", 0)
        else:
            token = state.push("element", "", 0)
            token.content = "" if part.startswith(("</", "<!")) else raw_text(part) or tag_text(part)
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
    stop = _scan(state.src, position, state.posMax, expressions=expressions)
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


def mdx_lines(text: str) -> Iterator[str]:
    """The lines of a page that stand outside its code fences."""
    fence = ""
    for line in text.split("\n"):
        bare = line.lstrip(" >\t")
        if fence:
            if bare.startswith(fence) and not bare.strip(fence[0] + " \t"):
                fence = ""
        elif bare.startswith(("```", "~~~")):
            fence = bare[: len(bare) - len(bare.lstrip(bare[0]))]
        else:
            yield line


_MDX_SIGNS = re.compile(
    r"import\s[^\n]*\sfrom\s+['\"]|import\s+['\"]|export\s+(?:default|const|function)\b|\s*</?[A-Z][\w.]*(?:[\s/>]|$)"
)


def looks_like_mdx(text: str) -> bool:
    """Whether a `.md` page uses MDX: an import, an export or a component at the start of a line outside code."""
    return any(_MDX_SIGNS.match(line) for line in mdx_lines(text) if line.lstrip()[:1] in {"i", "e", "<"})

"""Markdown-it rules for call-outs and tabs: `:::note`, `!!! note`, `??? note`, `=== "Tab"`.

The frame goes; its title becomes a paragraph and its body is read as Markdown.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

_COLONS = re.compile(r":{3,}[ \t]*(?:(?P<name>[A-Za-z][\w-]*)[ \t]*(?:\[(?P<label>.*)\])?(?P<rest>.*))?")
_TITLE_ATTRIBUTE = re.compile(r"\{.*?title=\"(?P<title>[^\"]*)\".*\}")
_INDENTED = re.compile(r"(?:!!!|\?\?\?\+?)[ \t]+(?P<kind>[\w -]*?)[ \t]*(?:\"(?P<title>[^\"]*)\")?[ \t]*")
_TAB = re.compile(r"===[!+]?[ \t]+\"(?P<title>[^\"]+)\"[ \t]*")
_BODY_INDENT = 4


def use_admonitions(md: MarkdownIt) -> None:
    """Teach a parser the rules."""
    stops: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("fence", "colon_frame", _colon_frame, stops)
    md.block.ruler.before("fence", "indented_frame", _indented_frame, stops)


def _colon_frame(state: StateBlock, start: int, _end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Take an opening or closing line of colons; the lines between are read in place."""
    line = _line(state, start, ":")
    frame = _COLONS.fullmatch(line) if line else None
    if frame is None:
        return False
    if not silent:
        if frame["name"]:
            _push_title(state, start, _colon_title(frame), frame["name"].title())
        state.line = start + 1
    return True


def _indented_frame(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Take a marker line and the block indented below it."""
    line = _line(state, start, "!?=")
    frame = (_INDENTED.fullmatch(line) or _TAB.fullmatch(line)) if line else None
    if frame is None:
        return False
    if silent:
        return True
    default = (frame["kind"].split() or [""])[0].title() if frame["title"] is None else ""
    indent = state.blkIndent + _BODY_INDENT
    stop = start + 1
    while stop < end and (state.isEmpty(stop) or state.sCount[stop] >= indent):
        stop += 1
    state.push("frame_open", "div", 1)
    _push_title(state, start, frame.span("title"), default)
    outer = state.blkIndent, state.lineMax, state.parentType
    state.blkIndent, state.lineMax = indent, stop
    state.md.block.tokenize(state, start + 1, stop)
    state.blkIndent, state.lineMax, state.parentType = outer
    state.push("frame_close", "div", -1)
    state.line = stop
    return True


def _line(state: StateBlock, start: int, markers: str) -> str:
    """The line without its indentation, or nothing when it is code or starts with no marker."""
    position = state.bMarks[start] + state.tShift[start]
    if position >= state.eMarks[start] or state.src[position] not in markers or state.is_code_block(start):
        return ""
    return state.src[position : state.eMarks[start]].rstrip()


def _colon_title(frame: re.Match[str]) -> tuple[int, int]:
    """Where the title stands behind the kind: in brackets, as an attribute, or plainly; (-1, -1) when there is none."""
    if frame["label"]:
        return frame.span("label")
    rest = frame["rest"].strip()
    start = frame.start("rest") + len(frame["rest"]) - len(frame["rest"].lstrip())
    if attribute := _TITLE_ATTRIBUTE.fullmatch(rest):
        return start + attribute.start("title"), start + attribute.end("title")
    return (-1, -1) if rest.startswith("{") else (start, start + len(rest))


def _push_title(state: StateBlock, line: int, span: tuple[int, int], default: str) -> None:
    """Add the title as a paragraph.

    Args:
        state: The parser's.
        line: The frame's.
        span: Where the title stands in the line without its indentation. The token's `meta["at"]` is where it starts in
            the page; it has no `map` and no place when only the kind gives the title.
        default: The title when the page writes none.
    """
    start = state.bMarks[line] + state.tShift[line]
    written = state.src[start + span[0] : start + span[1]] if span[0] >= 0 else ""
    if written or default:
        state.push("paragraph_open", "p", 1)
        inline = state.push("inline", "", 0)
        inline.content = written or default
        inline.children = []
        if written:
            inline.map = [line, line + 1]
            inline.meta["at"] = start + span[0]
        state.push("paragraph_close", "p", -1)

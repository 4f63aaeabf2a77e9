"""Markdown-it rules for what a page's words may hold besides CommonMark: footnotes, bare addresses, templates."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.dollarmath import dollarmath_plugin

_SCHEME = re.compile(r"(?:^|[^A-Za-z0-9.+-])(?P<scheme>https?|ftp)$", re.IGNORECASE)
_LONGEST_SCHEME = len("_https")
_URL = re.compile(r"://[^\s<>\"`\[\]{}|]+")
_AFTER_URL = "?!.,:;*_~'"
_FOOTNOTE = re.compile(r"\[\^[^\]\[\s]+\]:?")
_TEMPLATE = re.compile(r"\{\{[^{}\n]*\}\}|\{%[^{}\n]*%\}")


def use_inline_rules(md: MarkdownIt) -> None:
    """Teach a parser of `lectern.markdown` these rules and math between dollars."""
    dollarmath_plugin(
        md, allow_labels=False, allow_space=False, allow_digits=False, allow_blank_lines=False, double_inline=True
    )
    md.inline.ruler.before("link", "footnote", _footnote)
    md.inline.ruler.before("escape", "bare_url", _bare_url)
    md.inline.ruler.before("expression", "template", _template)
    definition = next(rule.fn for rule in md.block.ruler.__rules__ if rule.name == "reference")

    def reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
        """`[^1]: word` is a footnote, not a link's definition."""
        is_footnote = state.src.startswith("[^", state.bMarks[start] + state.tShift[start])
        return not is_footnote and definition(state, start, end, silent)

    md.block.ruler.at("reference", reference)


def scheme_start(text: str, colon: int) -> int | None:
    """Where the scheme of an address begins whose `://` is at a place, or None when no scheme stands before it."""
    match = _SCHEME.search(text, max(0, colon - _LONGEST_SCHEME), colon)
    return match.start("scheme") if match else None


def _footnote(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Take `[^1]`, and `[^1]:` where a paragraph starts."""
    match = _FOOTNOTE.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "[" else None
    if match is None:
        return False
    end = match.end()
    if match[0].endswith(":") and state.pos:
        end -= 1
    if not silent:
        state.push("footnote", "", 0)
    state.pos = end
    return True


def _bare_url(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Take an address such as `https://…`, whose scheme was read as text by the time its colon comes."""
    pos = state.pos
    if state.src[pos] != ":":
        return False
    match = _URL.match(state.src, pos, state.posMax) if scheme_start(state.src, pos) is not None else None
    if match is None:
        return False
    url = match[0].rstrip(_AFTER_URL)
    while url.endswith(")") and url.count(")") > url.count("("):
        url = url[:-1].rstrip(_AFTER_URL)
    if len(url) <= len("://"):
        return False
    if not silent:
        state.push("url", "", 0)
    state.pos = pos + len(url)
    return True


def _template(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Take `{{ … }}` and `{% … %}` of template engines."""
    match = _TEMPLATE.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "{" else None
    if match is None:
        return False
    if not silent:
        state.push("template", "", 0)
    state.pos = match.end()
    return True

"""Where in an inline text its syntax stands: the parser's own rules, made to say what they took.

markdown-it's inline tokens have no positions. Each rule of the parser made here notes from where to where it read, so
what is found is exactly what the parser of `lectern.markdown` takes for syntax; what lies between is text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from lectern.markdown.parser import make_parser
from lectern.study.inline_rules import scheme_start, use_inline_rules

InlineRule = Callable[[StateInline, bool], bool]
Role = Literal["single", "open", "close"]

_SPANS = "spans"
_SINGLE = {
    "autolink": "url",
    "bare_url": "url",
    "expression": "expression",
    "footnote": "footnote",
    "html_inline": "tag",
    "image": "image",
    "math_inline": "math",
    "template": "expression",
}
# What each rule's syntax begins with. The rules look themselves; looking first halves the time.
_STARTS = {
    "autolink": "<",
    "backticks": "`",
    "bare_url": ":",
    "emphasis": "*_",
    "entity": "&",
    "escape": "\\",
    "expression": "{",
    "footnote": "[",
    "html_inline": "<",
    "image": "!",
    "link": "[",
    "math_inline": "$",
    "newline": "\n",
    "strikethrough": "~",
    "template": "{",
}
_PAIRED = {"em": "emphasis", "strong": "emphasis", "s": "emphasis"}
_LOOSE = re.compile(
    r"(?P<url>(?<![\w@./])www\.[^\s<>\"`\[\]{}|]*[^\s<>\"`\[\]{}|?!.,:*_~'();]"
    r"|(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"|(?P<emoji>(?<![\w:]):[A-Za-z0-9_+-]+:(?:\{[^{}\n]*\})?(?![\w:]))"
)


@dataclass(slots=True)
class Span:
    """A piece of syntax.

    Attributes:
        start: Its first character's place in the inline text.
        end: The place after its last.
        kind: What it is: code, math, url, link, image, tag, expression, footnote, emoji, emphasis, escape, entity,
            break (of a line; a line's mere end is text).
        role: Whether it stands alone or opens or closes a pair.
        written: What to write in its stead where the text between a pair may change; the same when None.
        token: The delimiter that the parser may still turn into emphasis.
    """

    start: int
    end: int
    kind: str
    role: Role = "single"
    written: str | None = None
    token: Token | None = None


@cache
def span_parser(*, mdx: bool) -> MarkdownIt:
    """The parser of `lectern.markdown` with math, footnotes and bare URLs, whose inline rules note what they take."""
    md = make_parser(mdx=mdx)
    use_inline_rules(md)
    for rule in md.inline.ruler.__rules__:
        if rule.name in _STARTS:
            md.inline.ruler.at(rule.name, _noting(rule.name, rule.fn))
    return md


def find_spans(md: MarkdownIt, text: str, references: Mapping[str, object]) -> list[Span]:
    """Return the syntax of an inline text, in order and without overlap; pairs nest.

    Args:
        md: A `span_parser`.
        text: As the block parser gives it, at most `MAX_INLINE` characters.
        references: The page's link reference definitions.
    """
    env: dict[str, object] = {_SPANS: [], "references": references}
    md.inline.parse(text, md, env, [])
    noted: list[Span] = env[_SPANS]  # type: ignore[assignment]
    found = sorted((span for span in noted if span.token is None or _becomes_pair(span)), key=lambda span: span.start)
    kept: list[Span] = []
    cursor = 0
    for span in found:
        if span.start >= cursor:
            kept += _loose(text, cursor, span.start)
            kept.append(span)
            cursor = span.end
    return kept + _loose(text, cursor, len(text))


def _loose(text: str, start: int, end: int) -> list[Span]:
    """Syntax that no parser here knows, in the text between: `www.` addresses, e-mail addresses, emoji by name."""
    return [Span(match.start(), match.end(), match.lastgroup or "") for match in _LOOSE.finditer(text, start, end)]


def _becomes_pair(span: Span) -> bool:
    """Whether the parser made emphasis of a delimiter; its span then covers all of the marker."""
    token = span.token
    assert token is not None
    name, _, role = token.type.partition("_")
    if name not in _PAIRED:
        return False
    span.kind, span.role = _PAIRED[name], "open" if role == "open" else "close"
    if name == "strong":
        # The inner one of two delimiters carries the strong one's type.
        span.start -= role == "open"
        span.end += role == "close"
    span.token = None
    return True


def _noting(name: str, rule: InlineRule) -> InlineRule:
    """The rule, which notes in the environment what it took."""
    starts = _STARTS[name]

    def noting(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
        if state.src[state.pos] not in starts:
            return False
        start, count = state.pos, len(state.tokens)
        noted: list[Span] = state.env.get(_SPANS, [])
        before = len(noted)
        if not rule(state, silent):
            return False
        if not silent:
            if name == "image":
                del noted[before:]  # its alternative text is parsed on its own
            noted.extend(_taken(name, state, start, state.tokens[count:]))
        return True

    return noting


def _taken(name: str, state: StateInline, start: int, tokens: list[Token]) -> list[Span]:
    """The spans of one rule's success."""
    if name == "link":
        return _link(state, start, state.pos)
    if name in {"emphasis", "strikethrough"}:
        return _delimiters(start, state.pos, tokens)
    kind = _SINGLE.get(name)
    last = tokens[-1].type if tokens else ""
    if name == "bare_url":
        start = scheme_start(state.src, start) or 0
    elif last == "hardbreak" and kind is None:
        kind = "break"
        while name == "newline" and start and state.src[start - 1] == " ":
            start -= 1
    elif name == "backticks" and last == "code_inline":
        kind = "code"
    elif name == "entity" or (name == "escape" and isMdAsciiPunct(ord(state.src[start + 1]))):
        kind = name
    return [Span(start, state.pos, kind)] if kind else []


def _delimiters(start: int, end: int, tokens: list[Token]) -> list[Span]:
    spans = []
    for token in reversed(tokens):
        if end <= start:
            break
        spans.append(Span(end - len(token.content), end, "", token=token))
        end -= len(token.content)
    return spans


def _link(state: StateInline, start: int, end: int) -> list[Span]:
    """A link's two ends. One whose text is the name of its definition keeps that name when the text changes."""
    close = state.md.helpers.parseLinkLabel(state, start, True)
    written = None
    if state.src[close:end] in {"]", "][]"}:
        written = f"][{' '.join(state.src[start + 1 : close].split())}]"
    return [Span(start, start + 1, "link", "open"), Span(close, end, "link", "close", written)]

"""Inline tokens as text: what the reader sees, and what Docusaurus makes a heading's anchor of."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

from lectern.markdown.slugger import comment_id, split_explicit_id

_COMMENT_AT_END = re.compile(r"\s*\{\s*/\*(?P<comment>(?:(?!\*/).)*)\*/\s*\}$", re.DOTALL)
# remark-directive takes `:name` for a directive, which has no text of its own when the anchor is made.
_DIRECTIVE = re.compile(r"(?<!:):[A-Za-z](?:[\w-]*\w)?(?![\w:-])", re.ASCII)
# Icons of Material for MkDocs: they are pictures to the reader.
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple)-[\w-]+:(?:\{[^{}\n]*\})?[ ]?")
_FOOTNOTE = re.compile(r"^\[\^[\w-]+\]:\s*|\[\^[\w-]+\]")


def plain_text(tokens: Sequence[Token]) -> str:
    """The text that a reader sees; line breaks of the source are spaces, hard ones stay."""
    parts: list[str] = []
    for token in tokens:
        if token.type in {"text", "text_special"}:
            parts.append(_FOOTNOTE.sub("", _ICON.sub("", token.content)))
        elif token.type in {"code_inline", "element", "expression"}:
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak":
            parts.append("\n")
        elif token.type == "image":
            parts.append(plain_text(token.children or ()) or token.content)
    return "".join(parts)


def slug_text(tokens: Sequence[Token]) -> str:
    """The text that Docusaurus makes an anchor of: the source of expressions counts, tags and directives do not."""
    parts: list[str] = []
    for token in tokens:
        if token.type in {"text", "text_special"}:
            parts.append(_DIRECTIVE.sub("", token.content))
        elif token.type == "code_inline":
            parts.append(token.content)
        elif token.type == "expression":
            parts.append(str(token.meta.get("source", "")))
        elif token.type == "image":
            parts.append(plain_text(token.children or ()))
    return "".join(parts)


def heading_id(content: str) -> tuple[str, str | None]:
    """Separate a heading's source from an id written at its end, in whichever form."""
    comment = _COMMENT_AT_END.search(content, max(0, len(content) - 200))
    if comment and (anchor := comment_id(comment["comment"])):
        return content[: comment.start()], anchor
    text, anchor = split_explicit_id(content)
    return text, _DIRECTIVE.sub("", anchor) if anchor else None

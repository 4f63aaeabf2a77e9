"""Writes block tokens as readable plain text.

Paragraphs and lists keep their order; a list item starts with `- ` or its number; a table row is one line; code is
indented by four spaces, so it stays code for a reader and for whoever cuts the text.
"""

import re
from dataclasses import dataclass, field

from markdown_it.token import Token

from lectern.markdown.inline import plain_text

_CODE_INDENT = "    "
_TITLE = re.compile(r"\btitle=(?P<quote>[\"'])(?P<title>.*?)(?P=quote)")
# Comments that steer Docusaurus's highlighting and are not shown.
_MAGIC = re.compile(r"\s*(?://|#|/\*|\{/\*|<!--|--)\s*highlight-(?:start|end|next-line)\b")
_MKDOCS_TOC = frozenset({"[TOC]", "[[TOC]]", "[[_TOC_]]"})
_TASK = re.compile(r"\[[ xX]\] ")


@dataclass(slots=True)
class _List:
    number: int | None
    fresh: bool = True

    def bullet(self) -> str:
        """What the next item starts with."""
        if self.number is None:
            return "- "
        self.number += 1
        return f"{self.number - 1}. "


@dataclass(slots=True)
class Prose:
    """Collects the text of one section after the other."""

    _blocks: list[str] = field(default_factory=list)
    _lists: list[_List] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _bullet: str = ""
    _table_starts: bool = False
    _in_cell: bool = False
    _after_code: bool = False

    def take(self, token: Token) -> None:
        """Add a block token; those that show nothing are ignored."""
        match token.type:
            case "inline":
                self._text(plain_text(token.children or ()))
            case "fence" | "code_block":
                self._code(token)
            case "table_open" | "th_open" | "td_open" | "th_close" | "td_close" | "tr_close":
                self._table(token.type)
            case _:
                self._list(token)

    def finish(self) -> str:
        """Return the section's text and start the next one."""
        text = "".join(self._blocks).strip("\n")
        self._blocks.clear()
        return text

    def _text(self, text: str) -> None:
        text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        if self._in_cell:
            self._cells.append(text.replace("\n", " "))
            return
        if not text or text.upper() in _MKDOCS_TOC:
            return
        depth = len(self._lists) - 1
        if self._bullet:
            current = self._lists[-1]
            starts_list = current.fresh and not depth
            self._add(
                "\n\n" if starts_list or self._after_code else "\n", "  " * depth + self._bullet + _TASK.sub("", text)
            )
            current.fresh = False
            self._bullet = ""
        else:
            self._add("\n\n", text)

    def _code(self, token: Token) -> None:
        code = token.content.expandtabs(2).strip("\n")
        title = _TITLE.search(token.info or "")
        lines = [_CODE_INDENT + line if line.strip() else "" for line in code.split("\n") if not _MAGIC.match(line)]
        if title and title["title"]:
            self._text(title["title"])
        if code.strip():
            self._add("\n\n", "\n".join(lines))
            self._after_code = True

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(_List(None))
            case "ordered_list_open":
                self._lists.append(_List(int(token.attrGet("start") or 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._bullet = ""
            case "list_item_open":
                self._bullet = self._lists[-1].bullet()

    def _table(self, kind: str) -> None:
        if kind == "table_open":
            self._table_starts = True
        elif kind == "tr_close":
            if any(self._cells):
                self._add("\n\n" if self._table_starts else "\n", " | ".join(self._cells))
                self._table_starts = False
            self._cells.clear()
        else:
            self._in_cell = kind in {"th_open", "td_open"}

    def _add(self, separator: str, text: str) -> None:
        self._blocks.append(separator + text if self._blocks else text)
        self._after_code = False

"""A conversation as a file: plain text, Markdown, or the object to write as JSON. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from lectern.conversations.schemas import UNTITLED, Export, ExportFormat, SessionMessages
from lectern.formats.sources import source_line, source_name
from lectern.ports import Conversation, Turn
from lectern.principal import Principal

_ENDINGS: Final = {"cancelled": "(This answer was cut off.)", "failed": "(This answer failed.)"}
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>#&~|])")
_LINE_START: Final = re.compile(r"^(\d{0,9})([-+=.)])")


def exported(conversation: Conversation, turns: Sequence[Turn], reader: Principal, format_: ExportFormat) -> Export:
    """The conversation in one of the formats.

    Args:
        conversation: Which.
        turns: Its last turns, oldest first.
        reader: Who wants it.
        format_: Which.
    """
    match format_:
        case "text":
            return Export(format=format_, content=as_text(conversation, turns))
        case "markdown":
            return Export(format=format_, content=as_markdown(conversation, turns))
        case "json":
            return Export(format=format_, content=SessionMessages.of(conversation, turns, reader))


def as_text(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation as plain text: who said what when, with the sources that `[n]` cites.

    Args:
        conversation: Which.
        turns: Its last turns, oldest first; the file says when there are more.
    """
    title = conversation.title or UNTITLED
    return _file([title, "=" * len(title), "", *_about(conversation, turns)], turns, _text_turn)


def as_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation as Markdown: answers as they are, what the reader wrote as quotations.

    Args:
        conversation: Which.
        turns: Its last turns, oldest first; the file says when there are more.
    """
    title = _literal(conversation.title or UNTITLED)
    return _file([f"# {title}", "", *_about(conversation, turns)], turns, _markdown_turn)


def _file(head: list[str], turns: Sequence[Turn], lines_of: Callable[[Turn], Iterator[str]]) -> str:
    return "\n".join([*head, *(line for turn in turns for line in lines_of(turn)), ""])


def _about(conversation: Conversation, turns: Sequence[Turn]) -> Iterator[str]:
    yield f"Begun {_moment(conversation.created_at)}, {2 * conversation.turns} messages."
    if omitted := 2 * (conversation.turns - len(turns)):
        yield f"The first {omitted} of them are not in this file."


def _text_turn(turn: Turn) -> Iterator[str]:
    yield from ("", f"[{_moment(turn.created_at)}] You", "")
    if turn.context:
        yield from ("About this text:", *(f"    {line}" for line in turn.context.splitlines()), "")
    yield from (*turn.question.splitlines(), "", "Assistant", "", *turn.answer.splitlines())
    if ending := _ENDINGS.get(turn.outcome):
        yield ending
    if turn.sources:
        yield ""
    yield from (f"[{number}] {source_line(source)}" for number, source in enumerate(turn.sources, 1))


def _markdown_turn(turn: Turn) -> Iterator[str]:
    yield from ("", f"## You, {_moment(turn.created_at)}", "")
    if turn.context:
        yield from ("About this text:", "", *_quoted(turn.context), "")
    yield from (*_quoted(turn.question), "", "## Assistant", "", *_closed(turn.answer.splitlines()))
    if ending := _ENDINGS.get(turn.outcome):
        yield from ("", f"*{ending}*")
    if turn.sources:
        yield ""
    for number, source in enumerate(turn.sources, 1):
        name, link = _literal(source_name(source)), re.sub(r"[<>\s]", "", str(source.get("href") or ""))
        yield f"{number}. [{name}](<{link}>)" if link else f"{number}. {name}"


def _quoted(text: str) -> Iterator[str]:
    """The text as a quotation, line by line; two blanks at the end of a line keep the next one below it."""
    *lines, last = map(_literal, text.splitlines() or [""])
    yield from (f"> {line}  " if line else ">" for line in lines)
    yield f"> {last}"


def _closed(lines: list[str]) -> Iterator[str]:
    """The lines, and the end of a code block that an answer which was cut off left open: it would hold all the rest."""
    fence = ""
    for line in lines:
        yield line
        if found := _FENCE.match(line):
            mark = found[1]
            if not fence:
                fence = mark
            elif mark.startswith(fence) and line.strip() == mark:
                fence = ""
    if fence:
        yield fence


def _literal(text: str) -> str:
    """A line that Markdown shows as it is: no markup, list or underline; its indentation is no code."""
    line = text.lstrip()
    indent = "\u00a0" * (len(text) - len(line))
    return indent + _LINE_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"

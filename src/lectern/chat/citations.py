"""Keeps a streamed answer's citations honest: a number that names no source is never sent. Pure.

Works on pieces of any size: a `[` is held back until it is clear whether it opens a citation. Code is left alone, so
`items[9]` in a code span or a fence stays what it is.
"""

import re

_CITATION = re.compile(r"\[\s*\d{1,4}(?:\s*[,;]\s*\d{1,4})*\s*\]")
_PREFIX = re.compile(r"\[[\d\s,;]{0,40}")
_SPECIAL = re.compile(r"[\[`\n]")


class CitationFilter:
    """A stateful filter for one answer.

    Args:
        sources: How many sources the reader was shown; citations run from 1 to this.
    """

    def __init__(self, sources: int) -> None:
        self._sources = sources
        self._held = ""
        self._code = 0  # length of the run of backticks that opened the code we are in; 0 outside

    def feed(self, piece: str) -> str:
        """Take the next piece; return what can be sent now."""
        if not self._held and not self._code and not _SPECIAL.search(piece):
            return piece
        text, self._held = self._held + piece, ""
        return self._pass(text, final=False)

    def flush(self) -> str:
        """The rest, at the end of the answer."""
        text, self._held = self._held, ""
        return self._pass(text, final=True)

    def _pass(self, text: str, *, final: bool) -> str:
        out: list[str] = []
        at = 0
        while found := _SPECIAL.search(text, at):
            out.append(text[at : found.start()])
            at = found.start()
            if text[at] == "\n":
                # Spans of one or two backticks end with their line at the latest; a lone backtick is no code.
                self._code = self._code if self._code > 2 else 0  # noqa: PLR2004
                taken = 1
            elif text[at] == "`":
                taken = self._backticks(text, at, final=final)
            else:
                taken = self._bracket(text, at, out, final=final)
            if taken == 0:
                self._held = text[at:]
                return "".join(out)
            if text[at] != "[":
                out.append(text[at : at + taken])
            at += taken
        out.append(text[at:])
        return "".join(out)

    def _backticks(self, text: str, at: int, *, final: bool) -> int:
        """Open or close code; 0 when the run may go on in the next piece."""
        run = len(text) - at - len(text[at:].lstrip("`"))
        if at + run == len(text) and not final:
            return 0
        if not self._code:
            self._code = run
        elif run >= self._code:
            self._code = 0
        return run

    def _bracket(self, text: str, at: int, out: list[str], *, final: bool) -> int:
        """Send a bracket on, checked when it is a citation; 0 when that is not clear yet."""
        if self._code:
            out.append("[")
            return 1
        if citation := _CITATION.match(text, at):
            numbers = [number for number in re.findall(r"\d+", citation.group()) if 1 <= int(number) <= self._sources]
            if numbers:
                out.append(f"[{', '.join(numbers)}]")
            return citation.end() - at
        prefix = _PREFIX.match(text, at)
        if prefix and prefix.end() == len(text) and not final:
            return 0
        out.append("[")
        return 1

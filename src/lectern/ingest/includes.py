"""Pulls in the files that a page includes: mdBook's `{{#include}}`, snippets by `--8<--`, partials imported by MDX.

Only files below the root are read, whatever a page asks for. Cycles, depth, count and size are bounded: what goes
beyond is left out. Each file is read once.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lectern.ingest.sources import MAX_BYTES, decode, read_inside

_MAX_DEPTH = 8
_MAX_INCLUDES = 500
_MDBOOK = re.compile(
    r"(?P<escape>\\)?\{\{\s*#(?P<kind>include|rustdoc_include|playground|playpen|title)\s+(?P<target>[^{}\n]+?)\s*\}\}"
)
_SNIPPET = re.compile(
    r"^(?P<indent>[ \t]*)(?P<escape>;)?-{1,}8<-{1,}[ \t]+(?P<quote>[\"'])(?P<target>.+?)(?P=quote)[ \t]*$", re.MULTILINE
)
_SNIPPET_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)-{1,}8<-{1,}[ \t]*\n(?P<targets>.*?)^[ \t]*-{1,}8<-{1,}[ \t]*$", re.MULTILINE | re.DOTALL
)
_PARTIAL = re.compile(
    r"^import[ \t]+(?P<name>[A-Z][\w$]*)[ \t]+from[ \t]+['\"](?P<target>[^'\"\n]+\.(?:mdx?|markdown))['\"]",
    re.MULTILINE,
)
_SECTION_MARK = re.compile(
    r"^.*(?:ANCHOR(?:_END)?:[ \t]*[\w-]+|-{1,}8<-{1,}[ \t]*\[(?:start|end):[^\]]+\]).*\n?", re.MULTILINE
)


class Includes:
    """The files below one root that pages may pull in.

    Args:
        root: The ingested folder.
        max_bytes: A larger file is not included, and no page grows beyond this many characters by including.
    """

    def __init__(self, root: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._root = root.resolve()
        self._max_bytes = max_bytes
        self._texts: dict[str, str | None] = {}

    def expand(self, path: str, text: str) -> str:
        """Put the texts of included files in place of the marks that ask for them."""
        if "{{" not in text and "8<" not in text:
            return text
        return _Expansion(self, self._max_bytes).run(path, text, ())

    def partials(self, path: str, text: str) -> dict[str, str]:
        """The Markdown files that a page imports as components: name → path below the root."""
        found = ((match["name"], self.find(path, match["target"])) for match in _imports(text))
        return {name: target for name, target in found if target is not None}

    def closure(self, path: str, text: str) -> Iterator[tuple[str, str]]:
        """Every file that the page's content depends on, with its text, each once, in a fixed order.

        A reference to a file that does not exist yields its name and an empty text, so that its coming is noticed.
        """
        seen = {path}
        pending = [(path, text)]
        while pending:
            base, content = pending.pop()
            for reference in _references(content):
                target = self.find(base, reference)
                key = target or f"{base}: {reference}"
                if key in seen:
                    continue
                seen.add(key)
                included = self.text(target) or "" if target else ""
                yield key, included
                if target:
                    pending.append((target, included))

    def find(self, path: str, reference: str) -> str | None:
        """Find a referenced file: beside the page, below the root, or below a root that names itself."""
        reference = reference.removeprefix("@site/").strip()
        beside = posixpath.join(posixpath.dirname(path), reference)
        for candidate in (beside, reference, reference.removeprefix(f"{self._root.name}/")):
            normal = posixpath.normpath(candidate)
            if not normal.startswith(("/", "../")) and self.text(normal) is not None:
                return normal
        return None

    def text(self, path: str) -> str | None:
        """The text of a file below the root, or None when it is none."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        try:
            data = read_inside(self._root, path, self._max_bytes)
        except (OSError, RuntimeError, ValueError):
            return None
        return decode(data) if isinstance(data, bytes) else None


class _Expansion:
    """One page's textual includes, within its bounds."""

    def __init__(self, includes: Includes, budget: int) -> None:
        self._includes = includes
        self._budget = budget
        self._left = _MAX_INCLUDES

    def run(self, path: str, text: str, stack: tuple[str, ...]) -> str:
        def mdbook(match: re.Match[str]) -> str:
            if match["escape"]:
                return match[0][1:]
            return "" if match["kind"] == "title" else self._pull(path, match["target"].split(" ")[0], stack)

        def snippet(match: re.Match[str]) -> str:
            if match["escape"]:
                return match[0].replace(";", "", 1)
            return _indent(self._pull(path, match["target"], stack), match["indent"])

        def snippets(match: re.Match[str]) -> str:
            names = [line.strip() for line in match["targets"].splitlines() if line.strip()]
            return _indent("\n\n".join(self._pull(path, name, stack) for name in names), match["indent"])

        steps: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_SNIPPET_BLOCK, snippets),
            (_SNIPPET, snippet),
            (_MDBOOK, mdbook),
        )
        for pattern, replace in steps:
            text = pattern.sub(replace, text)
        return text

    def _pull(self, path: str, reference: str, stack: tuple[str, ...]) -> str:
        name, _, part = reference.partition(":")
        target = self._includes.find(path, name)
        text = self._includes.text(target) if target else None
        if target is None or text is None or target in stack or target == path or len(stack) >= _MAX_DEPTH:
            return ""
        text = _SECTION_MARK.sub("", _select(text, part)).rstrip("\n")
        self._left -= 1
        self._budget -= len(text)
        if self._left < 0 or self._budget < 0:
            return ""
        return self.run(target, text, (*stack, path))


def _references(text: str) -> Iterator[str]:
    if "{{" in text:
        for match in _MDBOOK.finditer(text):
            if match["kind"] != "title":
                yield match["target"].split(" ")[0].partition(":")[0]
    if "8<" in text:
        for match in _SNIPPET.finditer(text):
            yield match["target"].partition(":")[0]
        for match in _SNIPPET_BLOCK.finditer(text):
            yield from (line.strip().partition(":")[0] for line in match["targets"].splitlines() if line.strip())
    for match in _imports(text):
        yield match["target"]


def _imports(text: str) -> Iterator[re.Match[str]]:
    # Most pages import nothing, and to look is much cheaper than to match at each line.
    if text.startswith("import") or "\nimport" in text:
        yield from _PARTIAL.finditer(text)


def _select(text: str, part: str) -> str:
    """The lines `2`, `2:`, `:10`, `2:10` or the marked section of a file."""
    if not part:
        return text
    if re.fullmatch(r"[\d:]+", part):
        first, colon, last = part.partition(":")
        lines = text.split("\n")
        start = int(first or 1) - 1
        return "\n".join(lines[max(start, 0) : int(last) if last.isdigit() else (None if colon else start + 1)])
    name = re.escape(part)
    marked = re.search(
        rf"^.*(?:ANCHOR:[ \t]*{name}\b|8<-+[ \t]*\[start:[ \t]*{name}\]).*\n"
        rf"(?P<body>(?s:.*?))"
        rf"^.*(?:ANCHOR_END:[ \t]*{name}\b|8<-+[ \t]*\[end:[ \t]*{name}\])",
        text,
        re.MULTILINE,
    )
    return marked["body"] if marked else ""


def _indent(text: str, indent: str) -> str:
    return "\n".join(indent + line if line else line for line in text.split("\n")) if indent else text

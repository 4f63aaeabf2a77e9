"""MDX's `import` and `export` blocks: a Markdown-it rule that drops them, and how to tell that a page is MDX."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from lectern.markdown.failures import count_failure, gave_up
from lectern.markdown.jsx import MAX_TAG

_ESM = re.compile(
    r"(?:import\s+(?:['\"{*\w$])|export\s+(?:default|const|let|var|function|async|class|type|interface|[{*]))"
)
_IMPORT_FROM = re.compile(r"(?:^import\s*|\bfrom\s*)['\"][^'\"\n]+['\"]", re.MULTILINE)
_MDX_SIGNS = re.compile(
    r"import\s[^\n]*\sfrom\s+['\"]|import\s+['\"]|export\s+(?:default|const|function)\b|\s*</?[A-Z][A-Z.]*[a-z][\w.]*(?:[\s/>]|$)"
)


_BLOCKS: Final = "esm"
"""Where the rule notes the lines `(first, after the last)` of the blocks that it drops, in the parser's `env`."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def use_esm(md: MarkdownIt) -> None:
    """Teach a parser the rule."""
    md.block.ruler.before("html_block", "esm", _esm)


def _esm(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
    """Drop a block of imports and exports; blank lines inside open braces belong to it."""
    if silent or state.sCount[start] != 0 or not _ESM.match(state.src, state.bMarks[start]):
        return False
    stop = _esm_end(state, start, end)
    block = state.src[state.bMarks[start] : state.eMarks[stop - 1]]
    if block.startswith("import") and not _IMPORT_FROM.search(block):
        return False
    if state.level == 0:
        state.env.setdefault(_BLOCKS, []).append((start, stop))
    state.line = stop
    return True


def _esm_end(state: StateBlock, start: int, end: int) -> int:
    """The line after the block: at the first blank line with all braces closed, or simply the first when none is."""
    first_blank, depth, line = None, 0, start
    hopeless = gave_up(state)
    while line < end and state.eMarks[line] - state.bMarks[start] < MAX_TAG:
        if state.isEmpty(line):
            first_blank = first_blank or line
            if depth <= 0 or hopeless:
                return line
        depth += state.src.count("{", state.bMarks[line], state.eMarks[line])
        depth -= state.src.count("}", state.bMarks[line], state.eMarks[line])
        line += 1
    if depth <= 0 or first_blank is None:
        return line
    count_failure(state)
    return first_blank


def without_esm(text: str, *, path: str) -> str:
    """A page's text without its imports and exports, the rest as it is; only a page of MDX has any.

    Args:
        text: The page without its front matter.
        path: Its file; whether a `.md` file is MDX is told from the text.
    """
    if not path.endswith(".mdx") and not looks_like_mdx(text):
        return text
    notes: dict[str, Any] = {}
    parser = _block_parser()
    parser.block.parse(re.sub(r"\r\n?", "\n", text), parser, notes, [])
    lines = _LINE.findall(text)
    for start, stop in reversed(notes.get(_BLOCKS, [])):
        del lines[start:stop]
    return "".join(lines)


@cache
def _block_parser() -> MarkdownIt:
    md = MarkdownIt("commonmark")
    use_esm(md)
    return md


def _lines_outside_code(text: str) -> Iterator[str]:
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


def looks_like_mdx(text: str) -> bool:
    """Whether a `.md` page uses MDX: an import, an export or a component at the start of a line outside code."""
    return any(_MDX_SIGNS.match(line) for line in _lines_outside_code(text) if line.lstrip()[:1] in {"i", "e", "<"})

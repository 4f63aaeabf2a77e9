"""Reads a page's YAML front matter.

Every value is taken as the text that was written: `title: No` is the word, `slug: 01` keeps its zero.
"""

import re
from dataclasses import dataclass

import yaml

# More than this between two `---` lines is no front matter, and deep YAML stays cheap.
_MAX_CHARACTERS = 65_536
_FENCED = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TRUE = frozenset({"true", "yes", "on"})


class BrokenFrontMatter(ValueError):
    """The front matter is no YAML; its message names the line."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a page says about itself; None where it says nothing."""

    title: str | None = None
    doc_id: str | None = None
    slug: str | None = None
    description: str | None = None
    draft: bool = False
    unlisted: bool = False
    number_prefixes: bool = True


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """Separate a page's front matter from its body.

    Two `---` lines around something else than a mapping are rules with text between, and stay in the body.

    Raises:
        BrokenFrontMatter: It cannot be read. Where the page belongs and whether it is public is then unknown.
    """
    fenced = _FENCED.match(text)
    if fenced is None or len(fenced["yaml"]) > _MAX_CHARACTERS:
        return FrontMatter(), text
    try:
        values = _top_level(fenced["yaml"])
    except (yaml.YAMLError, ValueError) as error:
        raise BrokenFrontMatter(_explain(error)) from error
    if values is None:
        return FrontMatter(), text

    def read(name: str) -> str | None:
        return values.get(name, "").strip() or None

    matter = FrontMatter(
        title=read("title"),
        doc_id=read("id"),
        slug=read("slug"),
        description=read("description"),
        draft=(read("draft") or "").lower() in _TRUE,
        unlisted=(read("unlisted") or "").lower() in _TRUE,
        number_prefixes=(read("parse_number_prefixes") or "true").lower() in _TRUE,
    )
    return matter, text[fenced.end() :]


def front_matter_length(text: str) -> int:
    """How many characters at a page's start are its front matter, broken or not; 0 when there is none."""
    try:
        return len(text) - len(split_front_matter(text)[1])
    except BrokenFrontMatter:
        fenced = _FENCED.match(text)
        return fenced.end() if fenced else 0


def _top_level(text: str) -> dict[str, str] | None:
    """The scalars of the outermost mapping as they were written, or None when the text is no mapping.

    Reads the parser's events one by one: building nested values would recurse as deep as a hostile page asks for.
    """
    values: dict[str, str] = {}
    key: str | None = None
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            opens = isinstance(event, yaml.CollectionStartEvent)
            if depth == 0 and not isinstance(event, yaml.MappingStartEvent):
                return None
            if depth == 1:
                written = event.value if isinstance(event, yaml.ScalarEvent) else ""
                if key is not None:
                    values[key] = written
                key = written if key is None else None
            depth += opens
    return values


def _explain(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    # The block starts below the opening line, and lines count from 1.
    return f"line {mark.line + 2}: {problem}" if mark is not None else str(problem)

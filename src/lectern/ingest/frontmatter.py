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
        # The base loader makes strings of all scalars and knows no tags that could build objects.
        values = yaml.load(fenced["yaml"], Loader=yaml.CBaseLoader)  # noqa: S506 - the base loader builds only strings
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BrokenFrontMatter(_explain(error)) from error
    if not isinstance(values, dict):
        return (FrontMatter(), text[fenced.end() :] if values is None else text)

    def read(name: str) -> str | None:
        value = values.get(name)
        return value.strip() or None if isinstance(value, str) else None

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


def _explain(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    # The block starts below the opening line, and lines count from 1.
    return f"line {mark.line + 2}: {problem}" if mark is not None else str(problem)

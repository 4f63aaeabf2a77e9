"""A turn's sources in JSON bodies, the same wherever they stand."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field


class SourceBody(BaseModel):
    """A section the answer was made from; `[n]` in the answer cites the n-th."""

    chunk_id: str
    title: str
    slug: str = Field(description="The page's route without its leading slash")
    score: float
    site: str
    document: str
    heading_path: list[str]
    url: str
    anchor: str
    href: str = Field(description="The link that opens the very section")
    quote: str


_EMPTY: dict[str, Any] = dict.fromkeys(SourceBody.model_fields, "") | {"score": 0.0, "heading_path": []}


def source_body(source: Mapping[str, Any]) -> SourceBody:
    """A source as bodies name its id.

    What was kept without a field has it empty: left out, it would make the answer's numbers cite others.

    Args:
        source: As `lectern.events.Source.json` makes it, also when it comes from the store.
    """
    given = {name: value for name, value in source.items() if value is not None}
    return SourceBody(**(_EMPTY | given | {"chunk_id": given.get("id", "")}))


def source_line(source: Mapping[str, Any]) -> str:
    """A source as one line of text: its page, its headings and its link."""
    name = source_name(source)
    return f"{name}: {source['href']}" if source.get("href") else name


def source_name(source: Mapping[str, Any]) -> str:
    """A source's page and headings on one line, each once."""
    names = [str(source.get("title") or ""), *map(str, source.get("heading_path") or ())]
    return " › ".join(" ".join(name.split()) for name in dict.fromkeys(names) if name.strip())


def source_link(href: str, here: str) -> str:
    """A link that opens from anywhere: those to pages that are not published are relative to this service.

    Args:
        href: A source's.
        here: The address at which this service was asked.
    """
    return href if "://" in href else here.removesuffix("/") + href

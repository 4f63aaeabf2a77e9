"""Documents as ingest would hand them over, in one line each."""

import hashlib
from pathlib import Path

from lectern.ports import Document, Section


def section(text: str, *heading_path: str, anchor: str | None = None) -> Section:
    """A section of one chunk per paragraph; the anchor follows from the heading."""
    slug = "-".join(heading_path[-1].lower().split()) if heading_path else ""
    return Section(anchor if anchor is not None else slug, heading_path, text, tuple(text.split("\n\n")))


def page(path: str, title: str, *sections: Section) -> Document:
    """A document whose route follows from its path and whose digest follows from its content."""
    route = "/" + path.removesuffix(".md")
    source = "\n\n".join((f"# {title}", *(part.text for part in sections)))
    digest = hashlib.sha256(repr((path, title, sections)).encode()).hexdigest()
    return Document(path, title, route, f"https://example.org{route}", source, digest, sections)


def small_site() -> list[Document]:
    """A bakery's manual: three pages, seven sections, words that do not overlap much."""
    return [
        page(
            "bread.md",
            "Bread",
            section("Bread is made from flour, water, salt and time. This page tells how the bakery does it."),
            section("Feed the sourdough starter every morning with equal parts of flour and water.", "Starter"),
            section("Bake at 240 degrees for twenty minutes, then open the vent and finish at 200.", "Baking"),
            section("Cool loaves on the rack, or the crust turns soft.", "Baking", "Cooling"),
        ),
        page(
            "till.md",
            "The till",
            section("Refunds need the receipt and the manager's key. Press the red button twice.", "Refunds"),
            section("Count the drawer at closing time and write the sum into the ledger.", "Closing"),
        ),
        page("team.md", "The team", section("Holidays are asked for three weeks ahead, in writing, at the office.")),
    ]


def one_page(folder: Path) -> Path:
    """The folder, made with one page about the moon in it."""
    folder.mkdir()
    (folder / "moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    return folder

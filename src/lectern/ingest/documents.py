"""Turns one loaded source into a `Document`: route, title, sections, chunks and the digest that stands for all of it.

The digest is made from bytes alone, so an unchanged page is recognised without parsing it.
"""

import hashlib
import logging
import posixpath
import re
from dataclasses import astuple

from lectern.ingest.chunking import ChunkSize, chunk
from lectern.ingest.includes import Includes
from lectern.ingest.markdown import Partials, read_markdown
from lectern.ingest.routes import route_of, strip_number_prefix
from lectern.ingest.sources import Skipped, Source
from lectern.markdown.frontmatter import BrokenFrontMatter, split_front_matter
from lectern.ports import Document, Section

log = logging.getLogger(__name__)

# Raised whenever the same bytes give other rows: then every page is read anew.
FORMAT_VERSION = 1
_DEFAULT_SIZE = ChunkSize()


def digest_of(source: Source, *, base_url: str, includes: Includes, size: ChunkSize = _DEFAULT_SIZE) -> str:
    """Hash all that decides a page's rows: its text, the files it includes, the settings and the format.

    Costs a hash of the text and a search for includes; nothing is parsed.

    Args:
        source: The page.
        base_url: As for `read_document`.
        includes: The files below the root.
        size: As for `read_document`.
    """
    digest = hashlib.sha256(repr((FORMAT_VERSION, base_url.rstrip("/"), astuple(size), source.path)).encode())
    for name, text in (("", source.text), *includes.closure(source.path, source.text)):
        part = text.encode()
        digest.update(f"{len(name)}:{name}:{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


def read_document(
    source: Source, *, base_url: str, includes: Includes, size: ChunkSize = _DEFAULT_SIZE
) -> Document | Skipped:
    """Parse a page.

    Args:
        source: The page as it was loaded.
        base_url: Where the site's routes start, such as `https://example.org/docs`; may end in `/`.
        includes: The files below the root, for what the page pulls in.
        size: How long chunks are.

    Returns:
        The document, or why the page is not published: a draft, unlisted, broken front matter, nothing to read.
    """
    try:
        matter, body = split_front_matter(source.text)
    except BrokenFrontMatter as error:
        return Skipped(source.path, f"broken front matter: {error}", keep=True)
    if matter.draft or matter.unlisted:
        return Skipped(source.path, "draft" if matter.draft else "unlisted")
    try:
        page = read_markdown(source.path, includes.expand(source.path, body), _partials_of(includes))
    except Exception as error:
        # Whatever the parser trips over on one strange page must not cost the others; what was read before stays.
        log.exception("The Markdown of %s cannot be parsed.", source.path)
        return Skipped(source.path, f"cannot be parsed: {type(error).__name__}", keep=True)
    sections = tuple(
        Section(section.anchor, section.heading_path, section.text, chunk(section.text, size))
        for section in page.sections
    )
    if not sections:
        return Skipped(source.path, "nothing to read")
    route = route_of(source.path, slug=matter.slug, doc_id=matter.doc_id, number_prefixes=matter.number_prefixes)
    return Document(
        path=source.path,
        title=matter.title or page.title or title_from_name(source.path),
        route=route,
        url=base_url.rstrip("/") + route,
        source=source.text,
        digest=digest_of(source, base_url=base_url, includes=includes, size=size),
        sections=sections,
    )


def title_from_name(path: str) -> str:
    """A title for a page that has none: `02-getting_started.md` → `Getting started`; an index takes its folder's."""
    folder, name = posixpath.split(path)
    stem = strip_number_prefix(posixpath.splitext(name)[0])
    if stem.lower() in {"index", "readme"} and folder:
        stem = strip_number_prefix(posixpath.basename(folder))
    words = re.sub(r"[-_\s]+", " ", stem).strip() or stem
    return words[:1].upper() + words[1:]


def _partials_of(includes: Includes) -> Partials:
    def find(path: str, text: str) -> dict[str, tuple[str, str]]:
        found = {}
        for name, target in includes.partials(path, text).items():
            content = includes.text(target)
            if content is not None:
                found[name] = (target, includes.expand(target, _body(content)))
        return found

    return find


def _body(text: str) -> str:
    try:
        return split_front_matter(text)[1]
    except BrokenFrontMatter:
        return text

"""Page routes by the rules of Docusaurus's docs plugin (version 3).

The rules are those of `slug.js`, `numberPrefix.js` and `docs.js` in @docusaurus/plugin-content-docs with default
options. A route is percent-encoded as browsers send it; letters keep their case.
"""

import posixpath
import re

from lectern.ports import encode_route

# Dates (2021-11-notes) and versions (7.0-upgrade) look like prefixes and are none.
_NO_PREFIX = re.compile(r"\d+[-_.]\d+", re.ASCII)
_PREFIX = re.compile(r"\d+\s*[-_.]+\s*(?P<rest>[^-_.\s].*)", re.ASCII)


def route_of(path: str, *, slug: str | None = None, doc_id: str | None = None, number_prefixes: bool = True) -> str:
    """Work out where Docusaurus serves a page.

    Args:
        path: The file below the docs folder, with `/` and its extension.
        slug: The front matter's `slug`: absolute when it starts with `/`, else relative to the folder.
        doc_id: The front matter's `id`, which stands for the file name.
        number_prefixes: False when the front matter says `parse_number_prefixes: false`.

    Returns:
        The route, starting with `/`; a folder's index page ends in `/`.
    """
    folder, name = posixpath.split(path)
    stem = posixpath.splitext(name)[0]
    strip = strip_number_prefix if number_prefixes else str
    folder_route = "/" + "".join(f"{strip(part)}/" for part in folder.split("/") if part)
    if slug and slug.startswith("/"):
        route = slug
    elif not slug and is_category_index(stem, folder):
        route = folder_route
    else:
        route = _resolve(slug or doc_id or strip(stem), folder_route)
    return encode_route(re.sub(r"/{2,}", "/", route))


def strip_number_prefix(name: str) -> str:
    """Drop an ordering prefix such as `01-`, `2. ` or `03_`; dates and versions keep theirs."""
    if _NO_PREFIX.match(name):
        return name
    match = _PREFIX.fullmatch(name)
    return match["rest"] if match else name


def is_category_index(stem: str, folder: str) -> bool:
    """Whether a file stands for its folder: `index`, `README` or the folder's own name, in any case."""
    own_name = posixpath.basename(folder) or "."
    return stem.lower() in {"index", "readme", own_name.lower()}


def _resolve(to: str, folder_route: str) -> str:
    """Resolve a relative reference like a browser; `..` above the root stays at the root."""
    parts: list[str] = []
    for part in (folder_route + to).split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in {"", "."}:
            parts.append(part)
    is_folder = to.endswith("/") or to.rsplit("/", 1)[-1] in {".", ".."}
    return "/" + "/".join(parts) + ("/" if is_folder and parts else "")

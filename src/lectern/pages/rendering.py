"""An indexed page as HTML: its sections with their anchors, so that every link of an answer opens its section.

It shows what was read from a page (plain text and code), not how the site would lay it out.
"""

from functools import cache
from html import escape

from markdown_it import MarkdownIt

from lectern.ports import Document, Section

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1c1e21, #e3e3e3);
  --page: light-dark(#fff, #1b1b1d); --line: light-dark(#dadde1, #3b3d42);
  --accent: light-dark(#1d6f42, #6fcf97); --soft: light-dark(#5b6167, #a5abb3); --mark: light-dark(#e9f5ee, #22332a); }
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 6rem; font: 16px/1.6 system-ui, sans-serif;
  color: var(--ink); background: var(--page); }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; font-size: .875rem; }
a { color: var(--accent); }
h2 > a, h3 > a, h4 > a, h5 > a, h6 > a { color: inherit; text-decoration: none; }
section:target { background: var(--mark); box-shadow: 0 0 0 .5rem var(--mark); border-radius: 2px; }
nav { color: var(--soft); font-size: .9rem; }
"""
_DEEPEST = 6


@cache
def _markdown() -> MarkdownIt:
    # Section texts are plain text with indented code; raw HTML in them is text to be read.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "link", "heading", "lheading"])


def render(document: Document, site: str) -> str:
    """The whole page as one HTML document.

    Args:
        document: The page, from the index.
        site: The site it belongs to.
    """
    title = escape(document.title)
    sections = "\n".join(_section(section) for section in document.sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head>\n<body><nav><a href='/'>Ask this site</a> · {escape(site)} · "
        f"{escape(document.path)}</nav>\n<h1 dir='auto'>{title}</h1>\n{sections}\n</body></html>\n"
    )


def _section(section: Section) -> str:
    # Code scrolls by itself, so the keyboard must reach it; a <pre> in a text is escaped, these are the renderer's.
    body = _markdown().render(section.text).replace("<pre>", '<pre dir="ltr" tabindex="0">')
    if not section.heading_path:
        return f'<section dir="auto">{body}</section>'
    tag = f"h{min(len(section.heading_path) + 1, _DEEPEST)}"
    anchor = escape(section.anchor, quote=True)
    name = escape(section.heading_path[-1])
    return f'<section id="{anchor}" dir="auto"><{tag}><a href="#{anchor}">{name}</a></{tag}>\n{body}</section>'

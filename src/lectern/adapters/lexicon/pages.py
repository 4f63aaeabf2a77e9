"""Lists of pages, as both indexes keep them."""

from collections.abc import Sequence
from itertools import groupby

from lectern.ports import Page

PagesBySite = dict[str | None, tuple[Page, ...]]
"""The pages of each site, and those of all under None."""


def by_site(pages: Sequence[Page]) -> PagesBySite:
    """Pages, in order of their sites, as the index keeps them."""
    grouped: PagesBySite = {site: tuple(group) for site, group in groupby(pages, key=lambda page: page.site)}
    return grouped | {None: tuple(pages)}

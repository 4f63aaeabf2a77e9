"""Pages whose route or title looks like what was asked for. Bounded work, whatever is asked of however many pages."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final
from urllib.parse import unquote

from lectern.ports import Page

_LIKE_ENOUGH: Final = 0.6
"""Below this ratio, from 0 to 1, two texts do not look alike; difflib's own choice for words."""

_MOST_COMPARED: Final = 300
"""Pages that are compared letter by letter, 0.1 ms each at most: those that share a rare word with it first."""

_MOST_CHARACTERS: Final = 60

_WORD: Final = re.compile(r"\w{3,}")


def near_matches(wanted: str, pages: Sequence[Page], *, most: int) -> list[Page]:
    """The pages that look most like what was asked for, best first.

    Args:
        wanted: A route or a title, as somebody may have it in mind.
        pages: Those that there are.
        most: How many at most.
    """
    text = wanted.casefold()[-_MOST_CHARACTERS:]
    asked = set(_WORD.findall(text))
    shared = [asked.intersection(_WORD.findall(f"{page.route} {page.title}".casefold())) for page in pages]
    held = Counter(word for words in shared for word in words)
    # A word that few pages have tells most; sorting keeps the order among equals.
    ordered = sorted(range(len(pages)), key=lambda number: -sum(1 / held[word] for word in shared[number]))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(text)
    likeness = ((_likeness(matcher, pages[number]), pages[number]) for number in ordered[:_MOST_COMPARED])
    alike = [found for found in likeness if found[0] >= _LIKE_ENOUGH]
    return [page for _, page in nlargest(most, alike, key=lambda found: found[0])]


def _likeness(matcher: "SequenceMatcher[str]", page: Page) -> float:
    route = unquote(page.route).strip("/").casefold()
    return max(_ratio(matcher, text) for text in {route, route.rpartition("/")[2], page.title.casefold()})


def _ratio(matcher: "SequenceMatcher[str]", text: str) -> float:
    matcher.set_seq1(text[-_MOST_CHARACTERS:])
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _LIKE_ENOUGH:
        return 0.0
    return matcher.ratio()

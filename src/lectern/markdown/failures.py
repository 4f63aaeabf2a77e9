"""How often a page opened something that it never closed.

Each time costs a look at the text behind it. A page that does so hundreds of times is not written in that syntax or
is hostile; from then on its openings are read as text, which keeps the cost of a page linear.
"""

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_KEY = "unclosed openings"
_MOST = 500


def count_failure(state: StateBlock | StateInline) -> None:
    """Note one more opening that nothing closes."""
    state.env[_KEY] = state.env.get(_KEY, 0) + 1


def gave_up(state: StateBlock | StateInline) -> bool:
    """Whether this page has had its share of unclosed openings."""
    return bool(state.env.get(_KEY, 0) >= _MOST)

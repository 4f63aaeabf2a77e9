"""What to search for: a follow-up question means something only with the question before it. Pure.

Searching "and how do I test it?" alone finds pages about testing anything. Asking a model to rewrite the question costs
a call before the first token, and is not there when no model is; joining the earlier question's words costs nothing.
"""

import re
from collections.abc import Sequence

from lectern.ports import Turn

_CONTEXT_WORDS = 60
_MAX_LINKS = 3

_WORD = re.compile(r"\w[\w'’.-]*")
_OPENINGS = re.compile(
    r"^\s*(?:and|but|or|so|then|also|what about|how about|what if|why not|why|ok(?:ay)?|which one|more|else)\b",
    re.IGNORECASE,
)
_POINTING = frozenset(
    "it its it's that this they them their those these ones same above previous earlier former latter such".split()
)
# Words that carry no topic: what is left of a question tells whether it can be searched for alone.
_EMPTY = _POINTING | frozenset(
    """
    a about am an and any are as at be been but by can could did do does else example examples explain first for
    from get give go had has have how i if in instead into is just me more my need not of ok okay on one or please
    second shall should show so some tell than the then there to up us use want was we were what when where which
    who why will with would you your
    """.split()
)
_FEW_TOPICS = 2
_MANY_TOPICS = 5


def is_followup(question: str) -> bool:
    """Whether a question leans on the one before it.

    It does when it names fewer than two topic words, or fewer than five and points back (`it`, `that`) or opens like a
    continuation (`and …`, `what about …`). A longer question finds its own pages, whatever pronouns are in it.
    """
    words = [word.casefold().strip(".'’-") for word in _WORD.findall(question)]
    topics = sum(word not in _EMPTY for word in words)
    points = _OPENINGS.match(question) is not None or any(word in _POINTING for word in words)
    return topics < _FEW_TOPICS or (points and topics < _MANY_TOPICS)


def search_query(question: str, *, context: str = "", history: Sequence[Turn] = ()) -> str:
    """The words to search for.

    Args:
        question: The reader's question.
        context: Text the reader highlighted; its first words are searched for too, as "explain this" means them.
        history: Earlier turns, oldest first; a follow-up is joined with the questions back to one that stands alone.
    """
    parts = [question]
    if context:
        parts.append(" ".join(context.split()[:_CONTEXT_WORDS]))
    elif is_followup(question):
        for turn in list(reversed(history))[:_MAX_LINKS]:
            parts.append(turn.question)
            if not is_followup(turn.question):
                break
    return "\n".join(parts)

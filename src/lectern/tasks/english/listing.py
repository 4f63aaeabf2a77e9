"""Whether a sentence asks for a list of tasks, and of which. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lectern.ports import TaskStatus
from lectern.tasks.english.references import COMPLETED_WORDS, NOUNS, PENDING_WORDS, status_said


@dataclass(frozen=True, slots=True)
class Show:
    """A list.

    Attributes:
        status: Which; None for all.
    """

    status: TaskStatus | None


_ASKING: Final = frozenset(
    "what what's which how many is are there do does have has i i've any anything should need must can to".split()
)
_SHOWING: Final = frozenset(
    "show list display see view get give tell print check read open go through look at up".split()
)
_FILLING: Final = frozenset(
    """me all my the of a an on in for that with still yet not right now currently current every everything else done be
    everything's overview late overdue today today's tonight next see haven't aren't isn't due full whole please us
    """.split()
)
_TOPICS: Final = frozenset("do due have need should must next today tonight overdue late anything".split())
_VOCABULARY: Final = _ASKING | _SHOWING | _FILLING | _TOPICS | NOUNS | COMPLETED_WORDS | PENDING_WORDS
_AHEAD: Final = frozenset("today today's tonight overdue late due next should need must".split())
"""Words of who asks for what is still to be done."""
_KINDS: Final = frozenset(["all", "everything"]) | COMPLETED_WORDS | PENDING_WORDS - {"open"}
_COMMANDS: Final = frozenset("complete close to".split())
_QUESTIONS: Final = frozenset("what what's which anything how do is are have".split())


def listing(keys: Sequence[str]) -> Show | None:
    """What a sentence asks to be shown; None when it asks for something else.

    It asks for a list when it has no word that a list does not need, and one that says what: tasks, or what is due,
    left, done or to do.
    """
    if not keys or keys[0] in _COMMANDS or not _VOCABULARY.issuperset(keys):
        return None
    words = set(keys)
    said = words & NOUNS or (
        keys[0] in _QUESTIONS and len(keys) > 1 and words & (_TOPICS | COMPLETED_WORDS | PENDING_WORDS)
    )
    if not said and not (keys[0] in _SHOWING and words & _KINDS):
        return None
    status = status_said(keys)
    is_ahead = words & _AHEAD or {"to", "do"} <= words
    return Show("pending" if status is None and is_ahead else status)

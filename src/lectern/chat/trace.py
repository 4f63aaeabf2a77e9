"""What others can find of a live turn: its place in the roster and, from when it is needed, its journal."""

from typing import Final

from lectern.chat.journaling import Journaling
from lectern.chat.live_turn import LiveTurn
from lectern.chat.presence import Presence
from lectern.ports import Journal, JournalHead

_WANTED_SECONDS: Final = 10.0
"""How long a turn goes on at least for a follower elsewhere that has just said so: one in another container says so
again after three seconds, and is heard a second later."""


class Trace:
    """What others can find of one live turn. Implements `lectern.chat.journaling.Owner`.

    Args:
        turn: Which; noted from now on.
        presence: Where it is noted.
        journal: Where it is written down when it has to be.
    """

    def __init__(self, turn: LiveTurn, presence: Presence, journal: Journal) -> None:
        self._turn = turn
        self._presence = presence
        self._journal = journal
        self._journaling: Journaling | None = None
        self._may_write = not turn.digest  # one with a key may be another's until it is claimed
        self._place = presence.enter(
            self,
            turn_id=turn.id,
            conversation_id=turn.conversation_id,
            principal_id=turn.draft.question.principal_id,
        )

    @property
    def is_listed(self) -> bool:
        """Whether there was room in the roster."""
        return self._place is not None

    def claimed(self) -> None:
        """The turn's key is this worker's."""
        self._may_write = True
        self.write()

    def write(self) -> None:
        """Write the turn down from now on."""
        if self._may_write and self._journaling is None and not self._turn.over:
            self._journaling = Journaling(self._journal, self._head(), self._turn.events, self)

    def want(self) -> None:
        """Somebody elsewhere follows it."""
        self._turn.want(_WANTED_SECONDS)
        self.write()

    def stop(self) -> None:
        """Its reader has stopped it, elsewhere."""
        self._turn.end("stopped")

    def lose(self) -> None:
        """It was deleted with its conversation, or taken for dead."""
        self._turn.lose()

    def end(self) -> Journaling | None:
        """Note the turn no more, as it is over; what is to be closed, so that it is only kept where it is saved."""
        self._presence.leave(self._place)
        return self._journaling

    def _head(self) -> JournalHead:
        turn, question = self._turn, self._turn.draft.question
        return JournalHead(turn.id, turn.conversation_id, question.principal_id, question.text, turn.digest)

"""What becomes of a request's texts: used where they are fit, left where they are not, and told to whom it concerns."""

import asyncio
from collections.abc import Mapping, Sequence

import anyio
import anyio.to_thread

from lectern.errors import BudgetSpent, LecternError
from lectern.study.calls import TIMEOUT
from lectern.study.checks import ADVICE
from lectern.study.flights import Flights, Landing
from lectern.study.judging import Fit, Item, judge_all
from lectern.study.keeping import next_key
from lectern.study.languages import Language
from lectern.study.progress import Progress


class Outcomes:
    """The outcomes of one request.

    Args:
        progress: Is told what becomes of each segment.
        language: What rewritten texts are in; None for their originals'.
        flights: What this process works on; is told what came of what this request took.
        limiter: Threads for checking texts.

    Attributes:
        error: Why a segment has no text, when that was not the text's fault.
    """

    def __init__(
        self, progress: Progress, language: Language | None, *, flights: Flights, limiter: anyio.CapacityLimiter
    ) -> None:
        self.error: LecternError | None = None
        self._progress = progress
        self._language = language
        self._flights = flights
        self._limiter = limiter
        self._taken: set[str] = set()

    def take(self, item: Item) -> asyncio.Future[Landing | None] | None:
        """Take an item to work on it; when another request does, what will come of that."""
        flight = self._flights.take(item.key, self)
        if flight is None:
            self._taken.add(item.key)
        return flight

    async def judged(self, items: Sequence[Item], texts: Mapping[str, str]) -> list[tuple[Item, Fit | str]]:
        """Each item that has a text, with what that is good for; in a thread, as a page of them takes some 20 ms."""
        if not texts:
            return []
        return await anyio.to_thread.run_sync(judge_all, items, texts, self._language, limiter=self._limiter)

    async def use_kept(self, items: Sequence[Item], kept: Mapping[str, str]) -> list[Item]:
        """Use what was kept; return the items of which that is not fit, each with its next key."""
        unfit = []
        for item, verdict in await self.judged(items, kept):
            if isinstance(verdict, Fit):
                self.use(item, verdict, cached=True)
            else:
                self._land(item, None)
                item.key = next_key(item.key)
                unfit.append(item)
        return unfit

    async def use_landing(self, item: Item, landing: Landing) -> None:
        """Have of an item what came of another request's work on it."""
        if landing.text is None:
            self.leave(item, landing)
            return
        for _, verdict in await self.judged([item], {item.key: landing.text}):
            if isinstance(verdict, Fit):
                self.use(item, verdict, cached=True)
            else:
                self.leave(item, Landing(None, verdict))

    def use(self, item: Item, fit: Fit, *, cached: bool) -> None:
        """Put a text where it may stand."""
        for piece, restored in fit.restored:
            self._progress.put(piece, restored, cached=cached)
        for piece, reason in fit.unfit:
            self._progress.leave(piece, reason)
        self._land(item, Landing(fit.text))

    def leave(self, item: Item, landing: Landing) -> None:
        """Leave an item as it is."""
        for piece in item.pieces:
            self._progress.leave(piece, landing.reason)
        self.error = self.error or landing.error
        if landing.reason in ADVICE and self._flights.failed(item.key) is None:
            self._flights.fail(item.key, landing.reason)
        own = landing.reason in {TIMEOUT, BudgetSpent.code}  # another request may have time and money
        self._land(item, None if own else landing)

    def leave_failed(self, items: Sequence[Item]) -> list[Item]:
        """Leave the items that the model failed at a little while ago; return the others."""
        rest = []
        for item in items:
            if reason := self._flights.failed(item.key):
                self.leave(item, Landing(None, reason))
            else:
                rest.append(item)
        return rest

    def give_up(self) -> None:
        """Let others take what was taken and has not come to its end."""
        for key in self._taken:
            self._flights.land(key, self, None)
        self._taken.clear()

    def _land(self, item: Item, landing: Landing | None) -> None:
        self._flights.land(item.key, self, landing)
        self._taken.discard(item.key)

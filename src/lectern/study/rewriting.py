"""Segments of chapters rewritten by a model, each paid once: kept under what decides it, and checked before it is used.

Sections are told as soon as they are complete. What cannot be had in time, for its price or in a form that may stand on
a page stays as it was, and is named.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread

from lectern.errors import NoModel
from lectern.limits.budgets import Budgets, Payer
from lectern.ports import LLM, Rewrites, Usage
from lectern.resilience.background import running
from lectern.study.calls import Calls
from lectern.study.flights import Flights
from lectern.study.job import Job, Knobs
from lectern.study.judging import Item
from lectern.study.keeping import Keeping, key_of
from lectern.study.outcomes import Outcomes
from lectern.study.progress import LeftAlone, Piece, Progress, SectionReady
from lectern.study.prompts import Purpose
from lectern.study.segments import CutText

__all__ = ["Knobs", "LeftAlone", "Purpose", "Rewriter", "Rewritten", "SectionReady"]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The last event: what became of the texts.

    Attributes:
        texts: Each of them, rewritten as far as could be.
        left_alone: The segments that stay as they were, in order.
        usage: What this request cost.
        model_calls: How often it asked the model.
        segments: How many there are.
        cached: How many of them were rewritten before, or by another request at the same time.
    """

    texts: tuple[str, ...]
    left_alone: tuple[LeftAlone, ...]
    usage: Usage
    model_calls: int
    segments: int
    cached: int


class Rewriter:
    """Rewrites texts, for one process.

    Args:
        llm: Who rewrites; None where no model is configured.
        rewrites: What was rewritten before; None keeps nothing.
        budgets: What calls are counted in; None where there are none.
        knobs: Settings.
    """

    def __init__(self, llm: LLM | None, rewrites: Rewrites | None, *, budgets: Budgets | None, knobs: Knobs) -> None:
        self._llm = llm
        self._rewrites = rewrites
        self._budgets = budgets
        self._knobs = knobs
        self._flights = Flights()
        # One at a time: chapters wait for each other there, and never take more of the processor than one thread can.
        self._limiter = anyio.CapacityLimiter(1)

    async def rewrite(
        self, texts: Sequence[CutText], purpose: Purpose, *, payer: Payer | None
    ) -> AsyncGenerator[SectionReady | Rewritten, None]:
        """Yield the sections of each text in order, as soon as each is complete, then one `Rewritten`.

        Nothing is yielded before something of the texts was rewritten, so until then every error is raised. Leaving the
        generator ends all of its work; what is done by then is kept.

        Args:
            texts: The texts, cut.
            purpose: What they are rewritten for.
            payer: Whose daily budget pays; None where nobody's.

        Raises:
            NoModel: Not one segment could be had, as no model is configured. Like the others, never for texts without
                segments.
            BudgetSpent: The same, as nothing is left of the payer's budget or the site's.
            UpstreamTimeout: The same, as the request's time was over or the model too slow.
            UpstreamUnavailable: The same, as the model failed.
            UpstreamRejected: The same, as the model refused the request.
            TooBusy: The same, as the model had no room.
        """
        progress = Progress(texts)
        calls = Calls(self._llm, budgets=self._budgets, payer=payer) if self._llm else None
        if progress.pieces:
            if self._llm is None or calls is None:
                raise NoModel
            model = self._llm.describe().kind
            items = await anyio.to_thread.run_sync(_items, progress.pieces, purpose, model, limiter=self._limiter)
            outcomes = Outcomes(progress, purpose.language, flights=self._flights, limiter=self._limiter)
            keeping = Keeping(self._rewrites, lease_seconds=self._knobs.lease_seconds)
            job = Job(items, purpose, calls=calls, keeping=keeping, outcomes=outcomes, knobs=self._knobs)
            async with running(job.run()) as task:
                task.add_done_callback(lambda _: progress.changed.set())
                while not task.done():
                    await progress.changed.wait()
                    progress.changed.clear()
                    if progress.rewritten:
                        for section in progress.ready():
                            yield section
                task.result()
            if not progress.rewritten and outcomes.error is not None:
                raise outcomes.error
        for section in progress.ready():
            yield section
        yield Rewritten(
            texts=progress.texts(),
            left_alone=tuple(sorted(progress.left_alone, key=lambda left: (left.text, left.segment))),
            usage=calls.usage if calls else Usage(),
            model_calls=calls.count if calls else 0,
            segments=len(progress.pieces),
            cached=progress.cached,
        )


def _items(pieces: Sequence[Piece], purpose: Purpose, model: str) -> list[Item]:
    """Each different text once, in the order of first places."""
    items: dict[str, Item] = {}
    for piece in pieces:
        text = piece.segment.text
        if text not in items:
            items[text] = Item(text, key_of(text, purpose, model))
        items[text].pieces.append(piece)
    return list(items.values())

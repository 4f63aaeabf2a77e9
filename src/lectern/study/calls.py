"""One call of the model: what it said, why it said no more, and what that cost."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import anyio

from lectern.errors import BudgetSpent, LecternError, UpstreamTimeout
from lectern.limits.budgets import Budgets, Payer, estimate
from lectern.ports import LLM, Completion, Prompt, Usage
from lectern.resilience import deadline

_CHARGE_SECONDS: Final = 5
"""How long counting what a call cost may take, also when its reader has left."""

TIMEOUT: Final = "timeout"

_USEFUL_SECONDS: Final = 0.05
"""With less time left than this, a call is not begun."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    Attributes:
        text: As far as it came.
        error: Why no more came; None when it was said to its end.
        reason: The same in a word: `timeout` when the request's time was over, else the error's code.
    """

    text: str
    error: LecternError | None = None
    reason: str = ""


class Calls:
    """Asks a model for one request, and counts what it costs.

    Args:
        llm: The model.
        budgets: What it is counted in; None where there are none.
        payer: Whose budget; None where nobody's.

    Attributes:
        count: Calls begun.
        usage: What they cost together, as the provider counted or, where it did not, as their characters tell.
    """

    def __init__(self, llm: LLM, *, budgets: Budgets | None, payer: Payer | None) -> None:
        self.count = 0
        self.usage = Usage()
        self._llm = llm
        self._budgets = budgets
        self._payer = payer

    async def ask(self, prompt: Prompt) -> Answer:
        """The model's answer, within the request's time; what it cost is counted, however it ends."""
        if refusal := await self._refusal():
            return refusal
        self.count += 1
        said: list[str] = []
        counted: Usage | None = None
        error: LecternError | None = None
        reason = ""
        broke_off = True
        try:
            async with asyncio.timeout(deadline.left()), aclosing(self._llm.stream(prompt)) as items:
                async for item in items:
                    if isinstance(item, Completion):
                        counted = item.usage
                    else:
                        said.append(item)
            broke_off = False
        except TimeoutError:
            error, reason = out_of_time(), TIMEOUT
        except LecternError as failure:
            error, reason = failure, failure.code
            broke_off = isinstance(failure, UpstreamTimeout)
        finally:
            # A model that was never reached costs nothing; one that was left while it worked does.
            await self._charge(counted or (estimate(prompt, sum(map(len, said))) if said or broke_off else Usage()))
        return Answer("".join(said), error, reason)

    async def _refusal(self) -> Answer | None:
        """Why no call is made now."""
        seconds = deadline.left()
        if seconds is not None and seconds < _USEFUL_SECONDS:
            return Answer("", out_of_time(), TIMEOUT)
        if self._budgets is not None and self._payer is not None and await self._budgets.are_spent(self._payer):
            return Answer("", BudgetSpent(), BudgetSpent.code)
        return None

    async def _charge(self, usage: Usage) -> None:
        if not self._llm.describe().billed:
            return
        self.usage = Usage(
            self.usage.prompt_tokens + usage.prompt_tokens, self.usage.completion_tokens + usage.completion_tokens
        )
        if self._budgets is not None and self._payer is not None:
            with anyio.move_on_after(_CHARGE_SECONDS, shield=True):
                await self._budgets.charge(self._payer, usage)


def out_of_time() -> UpstreamTimeout:
    """The error of a request whose time is over; what is done is kept, so the next one goes on from there."""
    return UpstreamTimeout("The chapter was not ready in time. Please ask again: it goes on from where it was.")

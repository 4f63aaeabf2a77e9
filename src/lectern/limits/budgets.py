"""Daily budgets: who pays for a turn, whether there is anything left, and what it cost.

A turn is paid when it is over, so turns that are under way at the same moment may pass a budget by what they cost.
Only the language model is counted: a question's vector and its reranking cost a hundredth of an answer.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from lectern.daily_budget import Budget, Prices
from lectern.ports import LLM, Counters, Prompt, Usage
from lectern.principal import Principal, is_anonymous

TOKEN_CHARACTERS: Final = 4
"""Characters of a token where the provider counted none: English prose has four, other scripts fewer."""

DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Payer:
    """Under what a turn is counted.

    Attributes:
        key: Whose turn it is: a `Principal.id`, or a visitor's address.
        purse: Which budget is its own; None for the operator, who is never refused.
    """

    key: str
    purse: Literal["visitor", "account"] | None


def payer_of(principal: Principal, *, address: str = "", is_new: bool = False) -> Payer:
    """Who pays for a principal's turn.

    Args:
        principal: Who asks.
        address: From where.
        is_new: Whether it is a visitor whose id nobody has seen before. Its address pays then: who drops the id after
            each question would never come to an end of a budget of its own.
    """
    if principal.kind == "operator":
        return Payer(principal.id, None)
    if principal.kind != "visitor":
        return Payer(principal.id, "account")
    return Payer(f"address:{address}" if is_new and address else principal.id, "visitor")


def estimate(prompt: Prompt, answer_characters: int) -> Usage:
    """The tokens of a turn that the provider did not count, from its characters."""
    asked = sum(len(message.content) for message in prompt.messages)
    return Usage(math.ceil(asked / TOKEN_CHARACTERS), math.ceil(answer_characters / TOKEN_CHARACTERS))


class Budgets:
    """Keeps the accounts of a UTC day.

    Args:
        counters: Where sums are kept.
        budgets: At most one a purse.
        prices: What tokens cost; wanted when a budget is in money.
        stand_in: Answers, at no cost, when a budget is spent.
        now: Seconds since 1970.

    Attributes:
        stand_in: As given.
        began: When they were made, in seconds since 1970.
    """

    def __init__(
        self,
        counters: Counters,
        budgets: Sequence[Budget],
        *,
        prices: Prices | None,
        stand_in: LLM,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.stand_in = stand_in
        self.began = now()
        self._counters = counters
        self._budgets = {budget.purse: budget for budget in budgets}
        self._prices = prices
        self._now = now

    @property
    def outlive_restarts(self) -> bool:
        """Whether what was spent is known after a restart without being told."""
        return self._counters.outlive_restarts

    async def are_spent(self, payer: Payer) -> bool:
        """Whether the site's budget of today is spent, or the payer's own."""
        if payer.purse is None:
            return False
        for budget, key in self._purses(payer):
            if await self._counters.spent(key) >= budget.amount:
                return True
        return False

    async def charge(self, payer: Payer, usage: Usage) -> None:
        """Add what a turn has cost to the payer's sum and to the site's."""
        await self._spend(self._purses(payer), usage)

    async def restore(self, spent: Iterable[tuple[str, Usage]], total: Usage) -> None:
        """Add what was spent today before these counters began.

        Args:
            spent: What each principal spent, by its id.
            total: What all spent, those that are not among `spent` included.
        """
        for principal_id, usage in spent:
            purse: Literal["visitor", "account"] = "visitor" if is_anonymous(principal_id) else "account"
            own = self._purses(Payer(principal_id, purse))
            await self._spend([(budget, key) for budget, key in own if budget.purse != "site"], usage)
        await self._spend(self._purses(Payer("", None)), total)

    def today(self) -> tuple[datetime, datetime]:
        """When this UTC day began, and when it ends."""
        begins = self._now() // DAY_SECONDS * DAY_SECONDS
        return datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(begins + DAY_SECONDS, UTC)

    def _purses(self, payer: Payer) -> list[tuple[Budget, str]]:
        """The budgets that a payer's turn is counted in, each with its key of today; the site's comes first."""
        day = self.today()[0].date().isoformat()
        purses = []
        if site := self._budgets.get("site"):
            purses.append((site, f"budget:{day}:{site.unit}:site"))
        if payer.purse is not None and (own := self._budgets.get(payer.purse)):
            purses.append((own, f"budget:{day}:{own.unit}:{payer.key}"))
        return purses

    async def _spend(self, purses: Iterable[tuple[Budget, str]], usage: Usage) -> None:
        tokens = usage.prompt_tokens + usage.completion_tokens
        if not tokens:
            return
        until = self.today()[1].timestamp()
        for budget, key in purses:
            amount = float(tokens)
            if budget.is_money:
                assert self._prices is not None  # the settings want them
                amount = self._prices.of(usage.prompt_tokens, usage.completion_tokens)
            await self._counters.spend(key, amount, until=until)

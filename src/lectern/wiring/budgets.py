"""Settings → daily budgets."""

from lectern.adapters.quoting import BUDGET_SPENT, QuotingLLM
from lectern.config import Settings
from lectern.limits.budgets import Budgets
from lectern.ports import Counters


def build_budgets(settings: Settings, counters: Counters | None) -> Budgets | None:
    """The configured budgets; None where there are none, or nothing to count with.

    Args:
        settings: Read from the environment.
        counters: What sums are kept in.
    """
    if not settings.budgets or counters is None:
        return None
    return Budgets(counters, settings.budgets, prices=settings.token_prices, stand_in=QuotingLLM(BUDGET_SPENT))

"""What may be spent a day, and what it costs."""

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from lectern.config.errors import may_hold_secret
from lectern.config.part import SettingsPart
from lectern.daily_budget import Budget, Prices, parse_budgets, parse_prices


def _budgets(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_budgets(value)
    except ValueError:
        if may_hold_secret(value.replace("=", "")):  # the message would repeat it
            raise ValueError("budgets, as visitor=20000 tokens, account=200000 tokens, site=5 usd") from None
        raise


def _prices(value: object) -> object:
    return parse_prices(value) if isinstance(value, str) else value


class BudgetSettings(SettingsPart):
    """Daily budgets and prices."""

    token_prices: Annotated[Prices | None, NoDecode, BeforeValidator(_prices)] = Field(
        None,
        description="What your model costs: money for a million tokens of a prompt / of an answer, as 0.15/0.60; for "
        "budgets in money and GET /admin/usage",
    )
    budgets: Annotated[tuple[Budget, ...], NoDecode, BeforeValidator(_budgets)] = Field(
        (),
        description="What may be spent a UTC day by each visitor, each account and all together, as visitor=20000 "
        "tokens, account=200000 tokens, site=5 usd; then answers quote. Unset or none: no budget",
    )

    @field_validator("budgets")
    @classmethod
    def _priced(cls, budgets: tuple[Budget, ...], info: ValidationInfo) -> tuple[Budget, ...]:
        unpriced = info.data.get("token_prices", "wrong, and told") is None
        if unpriced and any(budget.is_money for budget in budgets):
            raise ValueError("TOKEN_PRICES beside a budget in money, as 0.15/0.60; else budgets in tokens")
        return budgets

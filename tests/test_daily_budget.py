"""Daily budgets and prices as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.daily_budget import MOST, Budget, Prices, parse_budgets, parse_prices

PURSES = st.sampled_from(["visitor", "account", "site"])
CURRENCIES = st.sampled_from(["usd", "EUR", "€", "rupees", "₹"])


@pytest.mark.parametrize("text", ["", "  ", "none", " None "])
def test_none_is_none(text: str) -> None:
    """An empty value and the word for it are no budget and no price."""
    assert parse_budgets(text) == ()
    assert parse_prices(text) is None


def test_the_documented_form() -> None:
    """What the setting's description shows."""
    assert parse_budgets("visitor=20000 tokens, account=200000 tokens, site=5 usd") == (
        Budget("visitor", 20000, "tokens"),
        Budget("account", 200000, "tokens"),
        Budget("site", 5, "usd"),
    )
    assert parse_prices("0.15/0.60") == Prices(0.15, 0.6)


@pytest.mark.parametrize(
    "text", ["SITE = 1_000 Token;", "site=1000tokens\n", " site=1000.0\ttokens , "], ids=["loose", "tight", "blanks"]
)
def test_forms_that_mean_the_same(text: str) -> None:
    """Case, blanks, underscores and what separates do not matter."""
    assert parse_budgets(text) == (Budget("site", 1000, "tokens"),)


@given(
    amounts=st.dictionaries(PURSES, st.integers(0, int(MOST)), min_size=1), currency=CURRENCIES, tokens=st.booleans()
)
def test_what_is_written_is_what_is_read(amounts: dict[str, int], currency: str, tokens: bool) -> None:  # noqa: FBT001
    """Every purse, amount and unit comes back."""
    unit = "tokens" if tokens else currency
    read = parse_budgets(", ".join(f"{purse}={amount} {unit}" for purse, amount in amounts.items()))
    assert {budget.purse: budget.amount for budget in read} == amounts
    assert {(budget.unit, budget.is_money) for budget in read} == {(unit.lower(), not tokens)}


@given(st.text(max_size=200) | st.from_regex(r"(visitor|site|acc)=?[0-9_.e+-]{0,9} ?(tokens|usd|\S)?", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else is raised, whatever is read is within its bounds, and a refusal is one short line."""
    try:
        budgets = parse_budgets(text)
    except ValueError as error:
        told = str(error)
    else:
        told = ""
        assert all(0 <= budget.amount <= MOST and budget.unit for budget in budgets)
    assert len(told) < 200
    assert "\n" not in told


@given(st.text(max_size=60))
def test_any_text_is_a_price_or_refused(text: str) -> None:
    """Prices are two numbers that are not below zero, or there are none."""
    try:
        prices = parse_prices(text)
    except ValueError:
        prices = None
    assert prices is None or (0 <= prices.prompt <= MOST and 0 <= prices.completion <= MOST)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("visitor", "'visitor' is no budget"),
        ("visitor=tokens", "no budget"),
        ("visitor=-5 tokens", "no budget"),
        ("visitor=1e6 tokens", "no budget"),
        ("visitor=nan tokens", "no budget"),
        ("visitor=5", "no budget"),
        ("reader=5 tokens", "'reader' has no budget"),
        ("site=5 tok3ns", "'tok3ns' is neither tokens nor a currency"),
        ("site=_ tokens", "'_' is no number"),
        ("site=9999999999999 usd", "too much"),
        ("site=5 usd, site=6 usd", "site has more"),
        ("site=5 usd, visitor=6 eur", "eur and usd are named"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, says: str) -> None:
    """The words of the text that are wrong stand in it."""
    with pytest.raises(ValueError, match=re.escape(says)):
        parse_budgets(text)


def test_tokens_cost_their_price() -> None:
    """Prices are for a million tokens."""
    assert Prices(0.15, 0.60).of(2_000_000, 500_000) == pytest.approx(0.6)

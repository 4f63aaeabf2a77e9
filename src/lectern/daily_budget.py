"""How much may be spent a day, and what tokens cost: any way to write it → one. Standard library only."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, cast

Purse = Literal["visitor", "account", "site"]
"""Whose budget: each anonymous visitor's, each account's or user's, or everybody's together."""

TOKENS: Final = "tokens"
MOST: Final = 1e12
"""Largest amount, in tokens or money; one that is larger is a slip."""

_ENTRY: Final = re.compile(r"(\w+)\s*=\s*([\d_]+(?:\.\d+)?)\s*(\S+)")
_PRICES: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)")
_PURSES: Final = ("visitor", "account", "site")
_CURRENCY_CHARACTERS: Final = 12
_FORM: Final = "write visitor=20000 tokens, account=200000 tokens, site=5 usd"


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent of one purse in a UTC day.

    Attributes:
        purse: Whose.
        amount: How much; 0 means that nothing may be spent.
        unit: `tokens`, or the currency as it was written, in small letters.
    """

    purse: Purse
    amount: float
    unit: str

    @property
    def is_money(self) -> bool:
        """Whether it is counted in money."""
        return self.unit != TOKENS


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens of a prompt, and of an answer."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


def parse_budgets(text: str) -> tuple[Budget, ...]:
    """The budgets of a text like `visitor=20000 tokens, site=5 usd`; none of an empty one or of `none`.

    Raises:
        ValueError: It is not of that form; the message says what is wrong, in the words of the text.
    """
    if text.strip().lower() in {"", "none"}:
        return ()
    budgets = tuple(_budget(entry.strip()) for entry in re.split(r"[,;\n]", text) if entry.strip())
    purses = [budget.purse for budget in budgets]
    if twice := next((purse for purse in purses if purses.count(purse) > 1), None):
        raise ValueError(f"one budget for each of visitor, account and site; {twice} has more")
    if len(currencies := sorted({budget.unit for budget in budgets if budget.is_money})) > 1:
        raise ValueError(f"one currency; {' and '.join(currencies)} are named")
    return budgets


def parse_prices(text: str) -> Prices | None:
    """The prices of a text like `0.15/0.60`; None of an empty one or of `none`.

    Raises:
        ValueError: It is not of that form.
    """
    if text.strip().lower() in {"", "none"}:
        return None
    if (found := _PRICES.fullmatch(text.strip())) is None or max(map(float, found.groups())) > MOST:
        raise ValueError("money for a million tokens of a prompt and of an answer, as 0.15/0.60")
    return Prices(float(found[1]), float(found[2]))


def _budget(entry: str) -> Budget:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(f"{_shown(entry)} is no budget; {_FORM}")
    purse, unit = found[1].lower(), found[3].lower()
    if purse not in _PURSES:
        raise ValueError(f"{_shown(found[1])} has no budget, only visitor, account and site have; {_FORM}")
    if not _is_unit(unit):
        raise ValueError(f"{_shown(found[3])} is neither tokens nor a currency; {_FORM}")
    try:
        amount = float(found[2])
    except ValueError:  # underscores where none may be
        raise ValueError(f"{_shown(found[2])} is no number; {_FORM}") from None
    if amount > MOST:
        raise ValueError(f"{_shown(found[2])} is too much; at most {MOST:g}")
    return Budget(cast("Purse", purse), amount, TOKENS if unit == "token" else unit)


def _is_unit(unit: str) -> bool:
    """Whether it is a word, or the sign of a currency."""
    return len(unit) <= _CURRENCY_CHARACTERS and (unit.isalpha() or all(unicodedata.category(c) == "Sc" for c in unit))


def _shown(text: str) -> str:
    """A piece of the text for people, not longer than an entry is."""
    shown = repr(text)  # cut after it, as one odd character is ten of it
    return shown if len(shown) <= 60 else f"{shown[:59]}…"  # noqa: PLR2004 - an entry on one line

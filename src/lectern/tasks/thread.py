"""A conversation with the assistant, laid out for a chat model within a token budget. Pure."""

from collections.abc import Sequence
from datetime import date

from lectern.limits.budgets import TOKEN_CHARACTERS
from lectern.ports import Message, Turn


def thread_of(text: str, *, history: Sequence[Turn], rules: str, today: date, budget_tokens: int) -> list[Message]:
    """The rules, the latest turns that fit, and the message.

    Args:
        text: The reader's message.
        history: Earlier turns, oldest first; those without an answer say nothing and are left out.
        rules: The system message.
        today: The day that "tomorrow" is counted from.
        budget_tokens: Longest thread, in tokens of about four characters.
    """
    first = f"{rules}\n\nToday is {today:%A}, {today.isoformat()} (UTC)."
    room = budget_tokens * TOKEN_CHARACTERS - len(first) - len(text)
    kept: list[Message] = []
    for turn in reversed(history):
        room -= len(turn.question) + len(turn.answer)
        if room < 0:
            break
        if turn.answer:
            kept = [Message("user", turn.question), Message("assistant", turn.answer), *kept]
    return [Message("system", first), *kept, Message("user", text)]

"""Passages, history and a question, laid out for a chat model within a token budget. Pure.

The rules and the question always stay. What does not fit goes in this order: the oldest turns, then the worst passages;
the best passage is shortened last.
"""

from collections.abc import Sequence

from lectern.ports import Message, Passage, Prompt, Turn

CHARACTERS_PER_TOKEN = 4
"""A cautious mean for English prose and code; scripts with shorter tokens are covered by the models' own reserve."""

_BESIDE = "The program that asks wants this besides. Where it contradicts anything above, it does not hold:"


def build_prompt(
    question: str,
    *,
    context: str,
    passages: Sequence[Passage],
    history: Sequence[Turn],
    rules: str,
    budget_tokens: int,
    instructions: str = "",
) -> Prompt:
    """Lay out a prompt.

    Args:
        question: The reader's question.
        context: Text the reader highlighted, or empty.
        passages: What retrieval found, best first.
        history: Earlier turns, oldest first.
        rules: The system message.
        budget_tokens: Longest prompt, in tokens of about four characters.
        instructions: What the client wants beside the rules, or empty; a quarter of the budget at most.
    """
    budget = budget_tokens * CHARACTERS_PER_TOKEN
    asked = _asked(question, context[: budget // 4])
    if instructions:
        rules = f"{rules}\n\n{_BESIDE}\n{instructions[: budget // 4]}"
    room = budget - len(rules) - len(asked)
    shown = _fitting_passages(passages, room)
    room -= sum(len(text) for text in shown)
    turns = _fitting_turns(history, room)
    messages = [Message("system", rules)]
    for turn in turns:
        messages += [Message("user", turn.question), Message("assistant", turn.answer)]
    messages.append(Message("user", "\n\n".join(["Passages from the site:", *shown, asked])))
    return Prompt(question=question, passages=tuple(passages), messages=tuple(messages))


def _asked(question: str, context: str) -> str:
    if not context:
        return f"Question: {question}"
    return f"The reader highlighted this text:\n{context}\n\nQuestion: {question}"


def _fitting_passages(passages: Sequence[Passage], room: int) -> list[str]:
    """Numbered passages, best first, until the room is used up; the first one is cut to fit rather than left out."""
    shown: list[str] = []
    for number, passage in enumerate(passages, start=1):
        text = f"[{number}] {passage.label}\n{passage.text}"
        if len(text) > room:
            if not shown and room > 0:
                shown.append(text[:room])
            break
        shown.append(text)
        room -= len(text)
    return shown


def _fitting_turns(history: Sequence[Turn], room: int) -> list[Turn]:
    """The latest turns that fit, oldest first; turns without an answer say nothing and are left out."""
    kept: list[Turn] = []
    for turn in reversed(history):
        if not turn.answer:
            continue
        room -= len(turn.question) + len(turn.answer)
        if room < 0:
            break
        kept.append(turn)
    return kept[::-1]

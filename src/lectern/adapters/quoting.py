"""Answers without a language model: the best passages, quoted and cited.

It never fails and never waits, so it serves when no key is set and stands in when the model is down.
"""

from collections.abc import AsyncGenerator

from lectern.ports import Completion, Part, Prompt

NO_MODEL = "No language model is configured, so here is what the site itself says."
BUDGET_SPENT = "Today's budget for written answers is used up, so here is what the site itself says."
MODEL_DOWN = "The language model is not available right now, so here is what the site itself says."

_QUOTED = 3
# The best passage is quoted whole up to this length: an answer may need its neighbour chunks too.
_WHOLE_WORDS = 200
# A passage that matches much worse than the best one is a source to look at, not an answer.
_CLOSE = 0.6


class QuotingLLM:
    """Quotes the best passages.

    Args:
        preface: The first sentence, which says why there is no written answer.
    """

    def __init__(self, preface: str = NO_MODEL) -> None:
        self._preface = preface

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Yield the preface, then each quoted passage with its link and citation, then the completion."""
        yield self._preface
        for number, passage in enumerate(prompt.passages[:_QUOTED], start=1):
            if passage.score < prompt.passages[0].score * _CLOSE:
                break
            whole = number == 1 and len(passage.text.split()) <= _WHOLE_WORDS
            quote = _quoted(passage.text if whole else passage.quote)
            yield f"\n\n{quote}\n>\n> — [{passage.label}]({passage.href}) [{number}]"
        yield Completion()

    def describe(self) -> Part:
        """It is always there."""
        return Part("llm", "quoting", "ok", "answers quote the best passages; set OPENAI_API_KEY for written ones")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").splitlines())

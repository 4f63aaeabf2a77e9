"""Answers by quoting."""

from collections.abc import Sequence
from dataclasses import replace

from tests.scripted import passage

from lectern.adapters.quoting import NO_MODEL, QuotingLLM
from lectern.ports import Completion, Passage, Prompt


async def answer(passages: Sequence[Passage]) -> str:
    """The whole answer to some question."""
    items = [item async for item in QuotingLLM().stream(Prompt("q", tuple(passages), ()))]
    assert items[-1] == Completion()
    return "".join(item for item in items if isinstance(item, str))


async def test_the_best_passages_are_quoted_linked_and_cited() -> None:
    """It says that no model is configured, then quotes each passage with its link and its number."""
    text = await answer([passage(1, "One."), passage(2, "Two.")])
    assert text == (
        f"{NO_MODEL}\n\n"
        "> One.\n>\n> — [Page 1 › Part](https://docs.example/page-1#part) [1]\n\n"
        "> Two.\n>\n> — [Page 2 › Part](https://docs.example/page-2#part) [2]"
    )


async def test_code_stays_code_in_a_quote() -> None:
    """Indentation survives, on the first line too, and blank lines stay inside the quote."""
    text = await answer([passage(1, "    npm install\n\nThen run it.\n")])
    assert "\n\n>     npm install\n>\n> Then run it.\n>\n" in text


async def test_a_short_best_section_is_quoted_whole() -> None:
    """The best passage's whole section is quoted when it is short, else the chunk that matched; of others the chunk."""
    short = replace(passage(1), text="All of it.\n\nReally.", quote="Really.")
    assert "> All of it.\n>\n> Really." in await answer([short])
    long = replace(short, text="word " * 500)
    assert "> Really." in await answer([long])
    assert "All of it." not in await answer([passage(1), short])


async def test_at_most_three_and_only_close_ones_are_quoted() -> None:
    """A passage that matches much worse than the best one is left to the sources."""
    assert (await answer([passage(number) for number in range(1, 6)])).count("— [") == 3
    far = replace(passage(2), score=0.3)
    assert (await answer([passage(1), far, passage(3)])).count("— [") == 1

"""Whatever a reader types, a search answers; and it understands what a reader may fairly expect it to."""

import anyio
import pytest
from tests.sample_pages import page, section

from lectern.ports import Index


@pytest.fixture
async def scripts(bakery: Index) -> Index:
    """The small site and a page in many scripts."""
    async with bakery.update("bakery") as update:
        await update.put(
            [
                page(
                    "scripts.md",
                    "Scripts 📜",
                    section("روٹی آٹے سے بنتی ہے", "اردو"),
                    section("面包是用面粉做的。", "中文"),
                    section("Brötchen und Croûtons kühlen ab.", "Ähnliches"),
                    section("Хлеб пекут из муки.", "Русский"),
                )
            ]
        )
    return bakery


HOSTILE = [
    "",
    "   \n\t ",
    '"',
    '"flour',
    "flour*",
    "*",
    "NEAR(flour water, 2)",
    "flour AND NOT water",
    "AND",
    "OR OR OR",
    "title:flour",
    "{text} : flour",
    "-flour ^flour +flour",
    "flour\0water",
    "\0",
    "'; DROP TABLE documents; --",
    "%s %d {} {0} $1 ?1 :a",
    "\ud800 half a pair",
    "\u202eflour\u200b",
    "🍞" * 500,
    "\x1b[31mflour",
    "((((((((((flour",
    "é" * 3000,
]


@pytest.mark.parametrize("query", HOSTILE, ids=[f"{number}" for number in range(len(HOSTILE))])
async def test_any_characters_are_a_query(bakery: Index, query: str) -> None:
    """Syntax of a search engine, control characters and half characters are words or nothing, never an error."""
    hits = await bakery.search(query)
    assert 0 <= hits.confidence <= 1
    assert len(hits.passages) <= 5


@pytest.mark.parametrize(
    "query", ["flour " * 17_000, " ".join(f"word{number}" for number in range(12_000))], ids=["one-word", "many-words"]
)
async def test_a_question_of_100_kilobytes_is_answered_in_time(bakery: Index, query: str) -> None:
    """A pasted book costs no more than a moment."""
    with anyio.fail_after(5):
        await bakery.search(query)


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("روٹی", "اردو"),
        ("面粉", "中文"),
        ("brotchen", "Ähnliches"),
        ("CROÛTONS", "Ähnliches"),
        ("croutons", "Ähnliches"),
        ("хлеб", "Русский"),
    ],
)
async def test_every_script_is_searched(scripts: Index, query: str, heading: str) -> None:
    """Case and accents do not matter, and scripts without spaces are found by their characters."""
    assert (await scripts.search(query)).passages[0].heading_path == (heading,)


@pytest.mark.parametrize("query", ["sourdugh starter", "sorudough", "refnds", "leger", "receit"])
async def test_a_misspelt_word_finds_what_was_meant(bakery: Index, query: str) -> None:
    """A letter left out, swapped or doubled is read as the site's own word."""
    assert (await bakery.search(query)).passages


async def test_words_that_the_site_does_not_know_lower_the_confidence(bakery: Index) -> None:
    """A question about something else is told apart from one that the site answers."""
    known = await bakery.search("When do I feed the sourdough starter?")
    unknown = await bakery.search("When do I feed the kubernetes hamster in Lisbon?")
    assert unknown.confidence < 0.2 < known.confidence


async def test_a_question_of_stop_words_alone_is_looked_up(bakery: Index) -> None:
    """When there are no telling words, the others are all there is."""
    hits = await bakery.search("for this is at")
    assert hits.passages


async def test_a_limit_of_nothing_gives_nothing(bakery: Index) -> None:
    """A limit of 0 is honoured, and a limit beyond the site's size too."""
    assert (await bakery.search("flour", limit=0)).passages == ()
    assert len((await bakery.search("flour bread", limit=1000)).passages) <= 11


async def test_half_a_character_names_nothing(bakery: Index) -> None:
    """A site or a route that no text can hold is not there, rather than an error."""
    assert (await bakery.search("flour", site="\ud800")).passages == ()
    assert await bakery.document("bakery", "/\ud800") is None

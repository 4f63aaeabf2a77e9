"""The site that is asked: always the same forty pages, so that a count changes with the code and with nothing else."""

import random
from typing import Final

from tests.sample_pages import page, section

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.sql_migrations import migrate
from lectern.config import Settings
from lectern.ports import Document, Vector

MODEL: Final = "vectors"
DIMENSIONS: Final = 384
"""As all-MiniLM-L6-v2 has."""

QUESTION: Final = "How do I write a reducer that handles an action?"

_TOPICS: Final = (
    "action async cache client component create dispatch effect error export fetch handle import key list listener "
    "logic middleware mutation object option payload provider query reducer render response selector server slice "
    "state store subscribe tag test thunk type update value"
).split()
_FILLERS: Final = [first + second for first in ("ba", "de", "ki", "lo", "mu", "ra", "so", "ti") for second in _TOPICS]
"""Words that mean nothing, so that topics are as rare among them as they are among the words of a manual."""


def vector_of(text: str) -> Vector:
    """A vector of unit length that only depends on the text."""
    dice = random.Random(text)
    numbers = [dice.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


async def make_site(settings: Settings) -> None:
    """Make what a start wants to find: the database's schema, and the pages with their vectors in the local index."""
    migrate(settings.sqlalchemy_url)
    index = LocalIndex(settings.index_dir, model=MODEL)
    async with index.update("docs") as update:
        await update.put([_page(number) for number in range(40)])
        pending = await update.unembedded(MODEL)
        await update.put_vectors({key: vector_of(text) for key, text in pending}, MODEL)
    await index.close()


def _page(number: int) -> Document:
    dice = random.Random(number)
    sections = [section(_chunk(dice))]
    for _ in range(5):
        heading = " ".join(dice.sample(_TOPICS, 2))
        sections.append(section("\n\n".join(_chunk(dice) for _ in range(2)), heading))
    return page(f"page-{number}.md", " ".join(dice.sample(_TOPICS, 2)), *sections)


def _chunk(dice: random.Random) -> str:
    """Sixty words, six of them about three topics."""
    words = [*dice.choices(_FILLERS, k=54), *dice.choices(dice.sample(_TOPICS, 3), k=6)]
    dice.shuffle(words)
    return " ".join(words) + "."

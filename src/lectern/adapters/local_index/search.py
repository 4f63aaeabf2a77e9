"""One search: read the question, match chunks and windows, fuse with vectors, hand back passages and a confidence."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from lectern.adapters.lexicon.confidence import Figures, confidence
from lectern.adapters.lexicon.question import Query, Term, read_question
from lectern.adapters.local_index.generation import Generation, Reader
from lectern.adapters.local_index.lexical import Match, lexical_matches
from lectern.adapters.local_index.passages import read_passages, section_weights
from lectern.adapters.local_index.vocabulary import SiteWords
from lectern.ports import Hits, Vector

DENSE_SHARE: Final = 0.7
"""Share of the cosine in a fused score; the lexical score, which reaches 1.5, has the rest.

Measured: flat between 0.7 and 0.8, four points less of section@5 at 0.6; absolute scores fuse better than ranks do.
"""

MARGIN_RANK: Final = 10
"""The place that the best section's margin is measured to."""

_HOLDS: Final = """
SELECT 1 FROM window_words WHERE window_words MATCH :word
AND rowid BETWEEN (SELECT min(id) FROM windows WHERE section = :section)
    AND (SELECT max(id) FROM windows WHERE section = :section)
LIMIT 1
"""


@dataclass(slots=True)
class Ranked:
    """A section on its way into a result."""

    section: int
    chunk: int | None
    score: float
    lexical: float


def search(
    generation: Generation, reader: Reader, text: str, vector: Vector | None, *, limit: int, site: str | None
) -> Hits:
    """Find the best sections of one generation. Blocks; call it in a thread.

    Raises:
        sqlite3.Error, OSError, ValueError: The generation's files are damaged or gone.
    """
    if site is not None and list(generation.documents) == [site]:
        site = None
    query, ranked = find(generation, reader, text, vector, site)
    best = ranked[: max(limit, 0)]
    passages = read_passages(reader.connection, [(item.section, item.chunk, item.score) for item in best])
    return Hits(passages, confidence(figures(reader, query, ranked)) if ranked else 0.0)


def find(
    generation: Generation, reader: Reader, text: str, vector: Vector | None, site: str | None
) -> tuple[Query, list[Ranked]]:
    """The question as read, and all sections that match, best first; of equals the one that is read first."""
    query = read_question(text, reader.stemmer, SiteWords(generation, reader.connection, site))
    dense = generation.dense(reader.connection) if vector is not None else None
    nearest = dense.nearest(vector, site) if dense is not None and vector is not None else {}
    if nearest:
        matches = generation.postings(reader.connection).matches(reader.connection, query, site)
    else:
        matches = lexical_matches(reader.connection, query, site)
    weights = section_weights(reader.connection, matches.keys() | nearest.keys())
    if nearest:
        # A section outside the nearest is at most as near as the last of them.
        farthest = min(cosine for _, cosine in nearest.values())
        ranked = []
        for section, weight in weights:
            match = matches.get(section, _NO_MATCH)
            lexical = weight * match.score
            chunk, cosine = nearest.get(section) or (match.chunk, farthest)
            score = DENSE_SHARE * weight * cosine + (1 - DENSE_SHARE) * lexical
            ranked.append(Ranked(section, chunk, score, lexical))
    else:
        ranked = [_lexical(section, weight, matches[section]) for section, weight in weights]
    ranked.sort(key=_score, reverse=True)  # which leaves equals in the order of reading
    return query, ranked


def figures(reader: Reader, query: Query, ranked: list[Ranked]) -> Figures:
    """The figures behind a result's confidence."""
    tenth = ranked[MARGIN_RANK - 1].score if len(ranked) >= MARGIN_RANK else 0.0
    top = ranked[0]
    return Figures(
        coverage=query.share(term for term in query.known if _holds(reader, top.section, term)),
        strength=top.lexical,
        known=query.share(query.known),
        margin=(top.score - tenth) / top.score if top.score > 0 else 0.0,
    )


def _lexical(section: int, weight: float, match: Match) -> Ranked:
    score = weight * match.score
    return Ranked(section, match.chunk, score, score)


_NO_MATCH: Final = Match()
_score: Final = attrgetter("score")


def _holds(reader: Reader, section: int, term: Term) -> bool:
    return reader.connection.execute(_HOLDS, {"word": f'"{term.word}"', "section": section}).fetchone() is not None

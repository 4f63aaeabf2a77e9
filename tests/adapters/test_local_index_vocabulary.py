"""What the local index promises about the words of a site: each counted once for each section it stands in."""

from collections import Counter
from pathlib import Path

import pytest
from tests.sample_pages import small_site

from lectern.adapters.lexicon.words import Stemmer, split_words
from lectern.adapters.local_index import LocalIndex, schema, vocabulary
from lectern.adapters.local_index.files import IndexFiles


@pytest.mark.parametrize("at_once", [1, 2, 1000])
async def test_words_and_stems_are_counted_by_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """However many sections are read at once, the counts are those of one section after the other."""
    monkeypatch.setattr(vocabulary, "_SECTIONS_AT_ONCE", at_once)
    words: Counter[str] = Counter()
    stems: Counter[str] = Counter()
    stemmer = Stemmer()
    for document in small_site():
        for section in document.sections:
            found = set(split_words(" ".join((document.title, *section.heading_path, section.text))))
            words.update(found)
            stems.update(set(stemmer.stems(found).values()))
    index = LocalIndex(tmp_path)
    async with index.update("bakery") as update:
        await update.put(small_site())
    folder = IndexFiles(tmp_path).current()
    assert folder is not None
    connection = schema.open_read_only(folder)
    assert dict(connection.execute("SELECT word, sections FROM words")) == words
    assert dict(connection.execute("SELECT stem, sections FROM stems")) == stems
    connection.close()
    stemmer.close()

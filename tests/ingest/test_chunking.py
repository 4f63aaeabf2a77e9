import time
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.ingest.chunking import ChunkSize, chunk, count_words

TEXTS = st.lists(
    st.text(alphabet="ab .!?\n\t中文字。ب؟-|", max_size=60)
    | st.sampled_from(["\n\n", "\n    code()\n", "word " * 30, "x" * 100, "- item\n", "A sentence. ", "\n \n"]),
    max_size=60,
).map("".join)
SIZES = st.builds(ChunkSize, least=st.integers(0, 50), most=st.integers(1, 80), overlap=st.integers(0, 20))


def squeezed(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


@given(TEXTS, SIZES)
def test_no_chunk_is_longer_than_asked(text: str, size: ChunkSize) -> None:
    """The bound holds for every text and every size, by our words and by words between blanks."""
    for piece in chunk(text, size):
        assert 0 < count_words(piece) <= size.most
        assert len(piece.split()) <= size.most


@given(st.lists(st.sampled_from([" ", ". ", "\n", "\n\n", "! ", "\n    "]), max_size=300), SIZES)
def test_chunks_are_slices_that_cover_the_text(separators: list[str], size: ChunkSize) -> None:
    """Chunks are slices of the text, in order; nothing between two is lost, overlap or not."""
    numbers = count()
    text = "".join(f"w{next(numbers):04}{separator}" for separator in separators)
    covered = 0
    for piece in chunk(text, size):
        start = text.index(piece)
        assert not squeezed(text[covered:start])
        assert start + len(piece) > covered
        covered = start + len(piece)
    assert not squeezed(text[covered:])


@given(TEXTS)
def test_without_overlap_the_chunks_are_the_text(text: str) -> None:
    """Put together again, chunks without overlap are the text but for white space."""
    assert squeezed("".join(chunk(text, ChunkSize(overlap=0)))) == squeezed(text)


@given(TEXTS)
def test_chunks_are_not_scraps(text: str) -> None:
    """Two neighbours have more words than the least together, so a text gives few chunks."""
    size = ChunkSize(overlap=0)
    sizes = [count_words(piece) for piece in chunk(text, size)]
    assert all(first + second > size.least for first, second in pairwise(sizes))


def test_chunks_end_at_sentences() -> None:
    """Prose is cut between sentences."""
    text = " ".join(f"Sentence number {n} has exactly eight words here." for n in range(40))
    pieces = chunk(text)
    assert len(pieces) > 3
    assert all(piece.endswith(".") and piece.startswith("Sentence") for piece in pieces)


def test_chunks_end_at_paragraphs() -> None:
    """A chunk that has enough words ends where a paragraph does."""
    paragraphs = [" ".join([f"p{n}"] * 55) for n in range(4)]
    assert chunk("\n\n".join(paragraphs)) == tuple(paragraphs)


def test_code_keeps_its_lines_and_indentation() -> None:
    """A chunk of code starts and ends at line ends; the indentation of its first line stays."""
    lines = [f"    call_{n}(first, second, third)" for n in range(60)]
    pieces = chunk("\n".join(lines))
    assert len(pieces) > 1
    for piece in pieces:
        assert all(line in lines for line in piece.split("\n"))


def test_a_short_sentence_leads_into_the_next_chunk() -> None:
    """Where there is room, a chunk repeats the short sentence before it and nothing longer."""
    text = " ".join(["This sentence has some ten words in it, more or less."] * 6 + ["Short one here."] * 20)
    first, second = chunk(text, ChunkSize(least=50, most=80, overlap=3))
    assert second.startswith("Short one here. ")
    assert len(first.split()) + len(second.split()) == len(text.split()) + 3


@pytest.mark.parametrize("text", ["", "   \n\n \t", "\n"])
def test_a_text_without_words_has_no_chunks(text: str) -> None:
    """White space gives nothing."""
    assert chunk(text) == ()


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "中" * 200_000, "word " * 200_000, "a.\n" * 200_000, "    x\n" * 200_000]
)
def test_huge_unbroken_text_is_bounded(text: str) -> None:
    """A megabyte without a break is cut into chunks of bounded length, in seconds."""
    started = time.monotonic()
    pieces = chunk(text)
    assert max(len(piece) for piece in pieces) <= 80 * 33
    assert time.monotonic() - started < 30

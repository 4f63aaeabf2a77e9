"""All pages of a real documentation site, cut, rewritten as a whole and read again by somebody else's rules."""

import re
from collections import Counter

import pytest
from tests.study.corpus import CORPUS, PAGES
from tests.study.structure import differences, prose_words, structure
from tests.study.urdu import in_urdu

from lectern.study.segments import CutText, cut

WORD = re.compile(r"[^\W\d_]+")
PLACEHOLDER = re.compile(r"</?[xg]\d+/?>|&(?:lt|amp);")
# A heading written as one in a tag's attribute of several lines: words of tags are the page's, not the model's.
IN_TAGS = Counter({"DetailedExplanation": 1, "title": 1})

at_hand = pytest.mark.skipif(not PAGES, reason=f"the Redux docs are not at LECTERN_CORPUS ({CORPUS})")


def rewritten(page: CutText) -> str:
    """The page with every segment in Urdu."""
    return page.whole({segment.number: in_urdu(segment.text) for segment in page.segments})


@at_hand
def test_a_page_that_nobody_rewrites_is_the_page() -> None:
    """Cut and joined again, every page is its source, byte for byte."""
    for path in PAGES:
        source = path.read_text()
        page = cut(source, path=path.name)
        assert page.whole({}) == source
        assert "".join(page.section(number, {}) for number in range(page.section_count)) == source


@at_hand
def test_a_rewritten_page_has_the_structure_of_its_source() -> None:
    """With each word of each segment in Urdu, headings, code, links, lists, tables and tags are what they were."""
    assert len(PAGES) > 80
    for path in PAGES:
        source = path.read_text()
        result = rewritten(cut(source, path=path.name))
        assert differences(structure(source), structure(result)) == [], path
        assert result != source


@at_hand
def test_every_word_of_prose_is_offered() -> None:
    """No word of running text is left out of the segments."""
    forgotten: Counter[str] = Counter()
    for path in PAGES:
        source = path.read_text()
        texts = (PLACEHOLDER.sub(" ", segment.text) for segment in cut(source, path=path.name).segments)
        forgotten += Counter(prose_words(source)) - Counter(word for text in texts for word in WORD.findall(text))
    assert forgotten == IN_TAGS


@at_hand
def test_no_code_and_no_address_is_offered() -> None:
    """Marked by words of their own, code, links' targets and addresses come back whole, and never in a segment."""
    for path in PAGES:
        source = mark_what_is_kept(path.read_text())
        page = cut(source, path=path.name)
        assert not [segment.text for segment in page.segments if "QQ" in segment.text], path
        assert rewritten(page).count("QQ") == source.count("QQ"), path


def mark_what_is_kept(source: str) -> str:
    """Put `QQ` into each code block's lines, each code span, each link's target and each bare address."""
    found = structure(source)
    for _info, code in found.code_blocks:
        source = source.replace(code, re.sub(r"(?m)^(?=.*\w)", "QQ", code)) if "\n" in code else source
    spans = {span for block in found.code_spans for span in block}
    for span in sorted(spans, key=len, reverse=True):
        source = re.sub(rf"(?<!`)`{re.escape(span)}`(?!`)", f"`QQ{span}`".replace("\\", r"\\"), source)
    return re.sub(r"(\]\()(?=[^)\s])|(https?://)", r"\1\2QQ", source)

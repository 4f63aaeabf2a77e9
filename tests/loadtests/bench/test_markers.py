"""The parts of a document that programs write: what stands around them stays."""

from pathlib import Path

import pytest
from loadtests.bench.markers import MarkersError, between


def test_only_what_stands_between_is_replaced(tmp_path: Path) -> None:
    """As often as one likes; another part of the same document is left alone."""
    document = tmp_path / "doc.md"
    document.write_text("Ä head\n<!-- bench -->\nold\n<!-- /bench -->\n<!-- peers -->\nkept\n<!-- /peers -->\ntail\n")
    for _ in range(2):
        between(document, "bench", "new | ×\nlines")
    between(document, "peers", "theirs")
    assert document.read_text(encoding="utf-8") == (
        "Ä head\n<!-- bench -->\nnew | ×\nlines\n<!-- /bench -->\n<!-- peers -->\ntheirs\n<!-- /peers -->\ntail\n"
    )


@pytest.mark.parametrize(
    "content",
    [
        "no markers",
        "<!-- bench -->",
        "<!-- /bench -->\n<!-- bench -->",
        "<!-- bench --><!-- /bench --><!-- bench --><!-- /bench -->",
        "<!-- bench --><!-- bench --><!-- /bench -->",
    ],
)
def test_a_document_without_its_markers_is_not_touched(tmp_path: Path, content: str) -> None:
    """One line says what it wants; nothing is lost."""
    document = tmp_path / "doc.md"
    document.write_text(content)
    with pytest.raises(MarkersError, match="wants <!-- bench --> and <!-- /bench -->"):
        between(document, "bench", "new")
    assert document.read_text() == content


def test_a_document_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(MarkersError, match=r"nowhere\.md: No such file"):
        between(tmp_path / "nowhere.md", "bench", "new")

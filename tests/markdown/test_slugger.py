import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.markdown.slugger import Slugger, comment_id, slugify, split_explicit_id


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("combineReducers(reducers)", "combinereducersreducers"),
        ("What's New?", "whats-new"),
        ("a.b.c, d; e! f", "abc-d-e-f"),
        ("Hyphen - between -- double", "hyphen---between----double"),
        ("snake_case", "snake_case"),
        ("  lead", "--lead"),
        ("Größe und Übermaß", "größe-und-übermaß"),
        ("安装与配置\uff08推荐\uff09", "安装与配置推荐"),
        ("اردو میں عنوان؟", "اردو-میں-عنوان"),
        ("Установка", "установка"),
        ("🚀 Launch", "-launch"),
        ("½ and x² and №5 and Ⅳ and Ⓐ", "-and-x-and-5-and-ⅳ-and-ⓐ"),
        ("हिन्दी शीर्षक", "हिन्दी-शीर्षक"),
        ("", ""),
    ],
)
def test_slug_follows_github_slugger(heading: str, anchor: str) -> None:
    """Punctuation and symbols go, letters of all scripts stay, each space is a hyphen."""
    assert slugify(heading) == anchor


def test_repeated_headings_are_numbered() -> None:
    """The second gets `-1`, and a heading that already reads so gets the next free number."""
    slugger = Slugger()
    assert [slugger.slug(heading) for heading in ("Notes", "notes", "Notes 1", "Notes", "Notes 1")] == [
        "notes",
        "notes-1",
        "notes-1-1",
        "notes-2",
        "notes-1-2",
    ]


@given(st.lists(st.text(max_size=6) | st.sampled_from(["a", "a-1", "A", "a 1", "a-1-1", ""]), max_size=40))
def test_anchors_of_a_page_never_repeat(headings: list[str]) -> None:
    """Whatever the headings, no two get the same anchor, and none holds a blank."""
    slugger = Slugger()
    anchors = [slugger.slug(heading) for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert not any(re.search(r"[ \n\t]", anchor) for anchor in anchors)


@pytest.mark.parametrize(
    ("written", "text", "anchor"),
    [
        ("Title {#my-id}", "Title", "my-id"),
        ("Title{#my-id}", "Title", "my-id"),
        ("Title {# spaced }", "Title", "spaced"),
        ("Title {#اردو}", "Title", "اردو"),
        ("Title {: #py .wide }", "Title", "py"),
        ('Title { #py data-toc-label="x y" }', "Title", "py"),
        ("Title { .wide }", "Title", None),
        ("Title {#id} more", "Title {#id} more", None),
        ("Title {name}", "Title {name}", None),
        ("Title {}", "Title {}", None),
    ],
)
def test_ids_written_by_hand_are_taken_off(written: str, text: str, anchor: str | None) -> None:
    """Docusaurus's and Python-Markdown's forms at the end of a heading give its anchor; other braces stay."""
    assert split_explicit_id(written) == (text, anchor)


@pytest.mark.parametrize(
    ("comment", "anchor"), [(" #id ", "id"), ("#id and words", "id"), ("id", None), (" # ", None), ("", None)]
)
def test_comments_carry_ids(comment: str, anchor: str | None) -> None:
    """Only a comment that starts with `#` names an anchor."""
    assert comment_id(comment) == anchor

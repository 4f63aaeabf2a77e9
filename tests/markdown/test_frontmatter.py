import pytest

from lectern.markdown.frontmatter import BrokenFrontMatter, FrontMatter, front_matter_length, split_front_matter


def test_values_are_taken_as_written() -> None:
    """Quotes and comments go; numbers, dates and words that YAML takes for booleans stay text."""
    matter, body = split_front_matter(
        "---\n"
        "title: No  # a comment\n"
        "id: 01\n"
        "slug: '/a: b'\n"
        "description: >\n  Folded\n  text\n"
        "draft: true\n"
        "unlisted: false\n"
        "parse_number_prefixes: false\n"
        "tags: [a, {b: c}]\n"
        "---\n# Body\n"
    )
    assert matter == FrontMatter(
        title="No",
        doc_id="01",
        slug="/a: b",
        description="Folded text",
        draft=True,
        unlisted=False,
        number_prefixes=False,
    )
    assert body == "# Body\n"


@pytest.mark.parametrize(
    "text",
    [
        "# No front matter\n",
        "",
        "---\nA rule, text and another rule\n---\n",
        "---\n- a list\n---\nText\n",
        "---\nnever closed\n",
        "Text\n---\ntitle: later\n---\n",
        "----\ntitle: too many\n----\n",
    ],
)
def test_what_is_no_front_matter_stays_in_the_body(text: str) -> None:
    """Rules and lists at the top of a page are its content."""
    assert split_front_matter(text) == (FrontMatter(), text)


@pytest.mark.parametrize("text", ["---\n---\nBody", "---\n# only a comment\n---\nBody", "---  \ntitle:\n---\nBody"])
def test_empty_front_matter_goes(text: str) -> None:
    """Nothing between the lines says nothing and is not shown."""
    assert split_front_matter(text) == (FrontMatter(), "Body")


@pytest.mark.parametrize(
    ("yaml", "line"),
    [("title: a: b", "line 2"), ("title: x\nslug: [", "line"), ("\ttitle: tab", "line 2"), ("a: 'open", "line")],
)
def test_broken_yaml_is_named_by_line(yaml: str, line: str) -> None:
    """The reason names the line of the file, counted from 1, on one line of text."""
    with pytest.raises(BrokenFrontMatter, match=line) as raised:
        split_front_matter(f"---\n{yaml}\n---\nBody")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "yaml", ["a: " + "[" * 30_000, "a: " + "{b: " * 10_000, "- " * 30_000, "a: &a [*a, *a]\n" * 1000, "? " * 30_000]
)
def test_deep_yaml_is_no_harm(yaml: str) -> None:
    """Nesting and aliases without end neither exhaust the stack nor the memory."""
    try:
        matter, _ = split_front_matter(f"---\n{yaml}\n---\nBody")
    except BrokenFrontMatter:
        return
    assert matter == FrontMatter()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("---\na: b\n---\nBody", 13),
        ("---\na: 'b\n---\nBody", 14),
        ("---\nA line\n---\n", 0),
        ("Body", 0),
        ("---\na: b\n---", 12),
    ],
)
def test_front_matter_ends_even_where_it_is_broken(text: str, length: int) -> None:
    """What cannot be read is front matter all the same; rules around a line of text are not."""
    assert front_matter_length(text) == length

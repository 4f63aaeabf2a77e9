"""Conversations as files, over HTTP and by themselves."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt
from tests.conftest import Client
from tests.conversation_rows import a_turn
from tests.conversations.people import ADA, AS_ADA
from tests.scripted import passage

from lectern.adapters.sql_store import SqlStore
from lectern.conversations.export import as_markdown, as_text
from lectern.events import Source
from lectern.ports import Conversation, Turn

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("format_", "beginning"), [("text", "Reducers\n========\n"), ("markdown", "# Reducers\n"), ("", "Reducers\n====")]
)
async def test_an_export_is_a_files_text(
    client: Client, session: str, turn: Turn, format_: str, beginning: str
) -> None:
    """Text, which is the default, and Markdown are strings to save."""
    query = f"?format={format_}" if format_ else ""
    body = (await client.get(f"/api/chat/sessions/{session}/export{query}", headers=AS_ADA)).json()
    assert body["format"] == (format_ or "text")
    assert body["content"].startswith(beginning)
    assert "What is a reducer, 0?" in body["content"]
    assert "A function" in body["content"]


async def test_an_export_as_json_is_the_object(client: Client, session: str, turn: Turn) -> None:
    """A front end writes `JSON.stringify(content)` into its file, so the content is what reading answers."""
    body = (await client.get(f"/api/chat/sessions/{session}/export?format=json", headers=AS_ADA)).json()
    read = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert body == {"format": "json", "content": read}


@pytest.mark.parametrize("format_", ["pdf", "JSON", "", "text,json", "\x00"])
async def test_an_unknown_format_is_refused(client: Client, session: str, format_: str) -> None:
    """Only what is documented."""
    response = await client.get(f"/api/chat/sessions/{session}/export", params={"format": format_}, headers=AS_ADA)
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")


async def test_a_very_long_export_says_what_it_leaves_out(
    client: Client, store: SqlStore, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has the last turns, and its head says how many messages came before them."""
    monkeypatch.setattr("lectern.conversations.endpoints.MOST_EXPORTED_TURNS", 2)
    for minute in range(5):
        await store.save_turn(a_turn(session, minute, who=ADA.id))
    for format_ in ("text", "markdown"):
        path = f"/api/chat/sessions/{session}/export?format={format_}"
        content = (await client.get(path, headers=AS_ADA)).json()["content"]
        assert "10 messages" in content
        assert "The first 6 of them are not in this file." in content
        assert "reducer, 2?" not in content
        assert "reducer, 3?" in content
    path = f"/api/chat/sessions/{session}/export?format=json"
    assert (await client.get(path, headers=AS_ADA)).json()["content"]["omitted"] == 6


def told(*turns: Turn, title: str = "Reducers", all_turns: int | None = None) -> tuple[Conversation, list[Turn]]:
    """A conversation with these turns."""
    count = len(turns) if all_turns is None else all_turns
    return Conversation("8f3c", "user:ada", title, NOON, NOON, count), list(turns)


def said(question: str = "What is it?", answer: str = "Pure [1].") -> Turn:
    """A turn without anything highlighted, and with one source."""
    turn = replace(a_turn("8f3c"), question=question, answer=answer, context="", created_at=NOON)
    return replace(turn, sources=(Source.of(passage(1)).json(),))


def test_a_text_file() -> None:
    """Who said what when, with what `[n]` cites, and nothing else."""
    first = replace(said(), context="A reducer\nis pure.")
    second = replace(said("And why?", "It"), outcome="cancelled", sources=())
    text = """Reducers
========

Begun 2026-05-01 12:00 UTC, 4 messages.

[2026-05-01 12:00 UTC] You

About this text:
    A reducer
    is pure.

What is it?

Assistant

Pure [1].

[1] Page 1 › Part: https://docs.example/page-1#part

[2026-05-01 12:00 UTC] You

And why?

Assistant

It
(This answer was cut off.)
"""
    assert as_text(*told(first, second)) == text


def test_a_markdown_file() -> None:
    """The same with headings; the reader's words are quoted, the answer's markup is left, sources are links."""
    turn = replace(said("# What *is* <b>it</b>?", "Pure **always** [1]."), context="`a`")
    assert (
        as_markdown(*told(turn, title="All [of] it #1"))
        == """# All \\[of\\] it \\#1

Begun 2026-05-01 12:00 UTC, 2 messages.

## You, 2026-05-01 12:00 UTC

About this text:

> \\`a\\`

> \\# What \\*is\\* \\<b\\>it\\</b\\>?

## Assistant

Pure **always** [1].

1. [Page 1 › Part](<https://docs.example/page-1#part>)
"""
    )


HOSTILE = [
    "</b><script>alert(1)</script>",
    "![x](https://evil.example/x.png)",
    "[a](javascript:alert(1))",
    "```\nx",
    "> q\n# h",
    "a\u2028# b",
    "a\n---\nb\n===",
    "- a\n+ b\n* c\n\n1. d\n2) e",
    "a\n\n    b\n\tc",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_reader_wrote_is_only_text_in_markdown(text: str) -> None:
    """Neither a question, nor what was highlighted, nor a title brings markup into the file."""
    turn = replace(said(question=text), context=text, sources=())
    html = MarkdownIt("commonmark").render(as_markdown(*told(turn, title=" ".join(text.split()))))
    assert not [tag for tag in ("<script", "<img", "<a ", "<code", "<pre") if tag in html], html
    assert html.count("<h1>") == 1
    assert html.count("<h2>") == 2
    assert html.count("<blockquote>") == 2
    assert "<ul>" not in html
    assert "<ol>" not in html


@pytest.mark.parametrize(
    "answer", ["Look:\n```python\nprint()", "~~~\n```\n", "````\n```\nx\n```", "```\nx\n```\n\n```js", "   ```\nx"]
)
def test_an_answer_that_was_cut_off_in_code_ends_there(answer: str) -> None:
    """A block of code that was left open does not hold the turns behind it."""
    cut = replace(said(answer=answer), outcome="failed")
    html = MarkdownIt("commonmark").render(as_markdown(*told(cut, said("And then?"))))
    assert "(This answer failed.)" in html
    assert html.count("<h2>") == 4
    assert html.count("<ol>") == 2


def test_a_source_without_a_link_or_with_an_odd_one_is_still_a_line() -> None:
    """Its name stands alone, or its link without what would end it."""
    turn = replace(said(), sources=({"id": "1", "title": "A [b]"}, {"title": "C", "href": "https://x.example/a b>c"}))
    markdown = as_markdown(*told(turn))
    assert "1. A \\[b\\]\n2. [C](<https://x.example/abc>)\n" in markdown
    assert "[1] A [b]\n[2] C: https://x.example/a b>c\n" in as_text(*told(turn))


def test_an_empty_conversation_is_a_file_too() -> None:
    """It has a title and says that there is nothing in it."""
    assert as_text(*told(title="")) == "New conversation\n================\n\nBegun 2026-05-01 12:00 UTC, 0 messages.\n"
    assert as_markdown(*told(title="")) == "# New conversation\n\nBegun 2026-05-01 12:00 UTC, 0 messages.\n"

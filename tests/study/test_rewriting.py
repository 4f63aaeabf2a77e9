"""Chapters rewritten: in what order, at what price, and what of them is kept."""

import pytest
from tests.study.kept import MemoryRewrites, UnavailableRewrites
from tests.study.models import RewritingLLM, read, rewriter
from tests.study.urdu import in_urdu

from lectern.study.segments import CutText, cut

PAGE = """---
title: Stores
---

# The store

A store holds the whole state of an application, and nothing else does.

It is made by `configureStore` with a [root reducer](/reducers) of all slices.

```js
const store = configureStore({ reducer })
```

## Reading the state

Call `getState` to read what the store holds at this very moment.

- The first way to read it is a selector.
- The second way to read it is a hook.
"""


def expected(page: CutText) -> str:
    """The page with every segment in Urdu."""
    return page.whole({segment.number: in_urdu(segment.text) for segment in page.segments})


async def test_a_page_is_rewritten_section_by_section() -> None:
    """Each section is told in order with the progress so far; together they are the page, which is the last event's."""
    page = cut(PAGE)
    llm = RewritingLLM()
    sections, end = await read(rewriter(llm), page)
    assert [(section.text, section.section) for section in sections] == [(0, n) for n in range(page.section_count)]
    assert "".join(section.markdown for section in sections) == end.texts[0] == expected(page)
    assert [section.total for section in sections] == [len(page.segments)] * page.section_count
    assert sections[-1].done == len(page.segments) == end.segments
    assert (end.left_alone, end.model_calls, end.cached) == ((), 1, 0)
    assert (end.usage.prompt_tokens, end.usage.completion_tokens) == (100, 10)


async def test_the_second_request_makes_no_call() -> None:
    """What was rewritten once comes from the store, also in another process."""
    page, store = cut(PAGE), MemoryRewrites()
    await read(rewriter(RewritingLLM(), store), page)
    llm = RewritingLLM()
    _, end = await read(rewriter(llm, store), page)
    assert end.texts[0] == expected(page)
    assert (end.model_calls, end.cached, llm.prompts) == (0, len(page.segments), [])
    assert end.usage.prompt_tokens == 0
    assert store.leases == {}


async def test_an_edited_paragraph_is_one_call_of_one_segment() -> None:
    """Of a page with one paragraph changed, only that is asked for."""
    store, llm = MemoryRewrites(), RewritingLLM()
    service = rewriter(llm, store)
    await read(service, cut(PAGE))
    llm.prompts.clear()
    llm.texts.clear()
    edited = cut(PAGE.replace("at this very moment", "today"))
    _, end = await read(service, edited)
    assert end.texts[0] == expected(edited)
    assert (end.model_calls, len(llm.prompts), llm.texts) == (1, 1, ["Call <x1/> to read what the store holds today."])


async def test_a_text_that_stands_twice_is_paid_once() -> None:
    """The same segment in several texts is asked for once, and put into each."""
    page, llm = cut("Read the whole chapter first.\n\nRead the whole chapter first."), RewritingLLM()
    _, end = await read(rewriter(llm), page, page)
    assert end.texts == (expected(page), expected(page))
    assert (llm.texts, end.segments) == (["Read the whole chapter first."], 4)


@pytest.mark.parametrize("text", ["", "```\ncode\n```\n", "---\ntitle: x\n---\n", "<br/>\n"])
async def test_a_text_without_prose_is_returned(text: str) -> None:
    """Where there is nothing to rewrite, nobody is asked, and no model is missed."""
    llm = RewritingLLM()
    _, end = await read(rewriter(llm), cut(text))
    assert (end.texts, end.model_calls, end.segments, llm.prompts) == ((text,), 0, 0, [])
    _, end = await read(rewriter(None), cut(text), cut(text))
    assert end.texts == (text, text)


async def test_without_a_store_it_works_all_the_same() -> None:
    """A store that is down costs money, and nothing else."""
    page, llm = cut(PAGE), RewritingLLM()
    service = rewriter(llm, UnavailableRewrites())
    for calls in (1, 2):
        _, end = await read(service, page)
        assert end.texts[0] == expected(page)
        assert (end.left_alone, len(llm.prompts)) == ((), calls)


async def test_a_hostile_row_never_reaches_a_page() -> None:
    """What is kept is checked again when it is read; what is unfit is asked for anew, and that is kept beside it."""
    page, store = cut(PAGE), MemoryRewrites()
    await read(rewriter(RewritingLLM(), store), page)
    for number, key in enumerate(store.texts):
        store.texts[key] = ("<script>alert(1)</script>", "", "x" * 5000, "[here](javascript:x)", "\0")[number % 5]
    hostile, llm = dict(store.texts), RewritingLLM()
    _, end = await read(rewriter(llm, store), page)
    assert end.texts[0] == expected(page)
    assert (end.model_calls, end.left_alone) == (1, ())
    assert hostile.items() <= store.texts.items()
    _, end = await read(rewriter(llm, store), page)
    assert (end.texts[0], end.model_calls) == (expected(page), 0)


async def test_batches_go_out_at_once_within_a_bound() -> None:
    """A long page takes several calls, of at most so many tokens each, at most so many at a time."""
    page = cut("\n\n".join(f"Paragraph number {number} " + "is about the store " * 20 for number in range(40)))
    llm = RewritingLLM()
    _, end = await read(rewriter(llm), page)
    assert end.texts[0] == expected(page)
    assert end.model_calls == len(llm.prompts) >= 4
    assert llm.most_open == 4
    assert all(len(prompt.messages[-1].content) <= 4 * 1000 for prompt in llm.prompts)


async def test_the_model_is_told_language_rules_and_nothing_of_the_code() -> None:
    """The system message names language and script; the user message has the segments only."""
    llm = RewritingLLM()
    await read(rewriter(llm), cut(PAGE))
    rules, segments = llm.prompts[0].messages
    assert (rules.role, segments.role) == ("system", "user")
    assert "Urdu (اردو)" in rules.content
    assert "Arab" in rules.content
    assert "$" not in rules.content
    assert "configureStore" not in segments.content

"""Pages with chapters as people write them, and a model that rewrites them, for tests of the study API."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.stub_model import parse
from loadtests.stub_rewrites import rewritten
from tests.sample_pages import page, section

from lectern.adapters.local_index import LocalIndex
from lectern.ports import Completion, Document, Part, Prompt, Usage

NODES = """---
title: Nodes and topics
---

import Tabs from '@theme/Tabs';

# Nodes and topics {#top}

A **node** is a process that computes. See [the docs](https://example.org/a?b=c) and `rclpy`.

## Publish

Publish with `publisher.publish(msg)`:

```python
publisher.publish(msg)  # never translated
```

- First run the node.
- Then read $x^2$ of it.
"""

BOOK_URL = "https://book.example"

SERVICES = """# Services

A service answers a request.

## Call

Call it from a client.
"""


class RewritingModel:
    """Rewrites as the load tests' stub does, in this process; counts its calls.

    Args:
        name: The stub's model, which says how it behaves.
        errors: Raised by the first calls, one each.
        hold: When given, each call waits for it.
    """

    def __init__(
        self, name: str = "stub", *, errors: Sequence[Exception] = (), hold: asyncio.Event | None = None
    ) -> None:
        self._behaviour = parse(name)
        self._errors = list(errors)
        self.hold = hold
        self.prompts: list[Prompt] = []
        self.open = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Answer with the prompt's blocks."""
        self.prompts.append(prompt)
        self.open += 1
        try:
            if self.hold is not None:
                await self.hold.wait()
            if self._errors:
                raise self._errors.pop(0)
            messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
            for token in rewritten(messages, self._behaviour):
                yield token
            yield Completion(usage=Usage(prompt_tokens=100, completion_tokens=50))
        finally:
            self.open -= 1

    def describe(self) -> Part:
        """Scripted."""
        return Part("study_llm", "scripted", "ok", billed=True)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def chapter(route: str, title: str, source: str, *, path: str | None = None) -> Document:
    """A page of this Markdown."""
    document = page(path or f"{route.strip('/')}.md", title, section("Text."))
    return replace(document, route=route, url=f"https://book.example{route}", source=source, digest=source)


async def book(folder: Path) -> LocalIndex:
    """An index with two chapters of a book."""
    index = LocalIndex(folder)
    async with index.update("book") as update:
        await update.put(
            [
                chapter("/docs/nodes", "Nodes and topics", NODES, path="docs/nodes.mdx"),
                chapter("/docs/services", "Services", SERVICES),
            ]
        )
    return index


def written_book(folder: Path) -> Path:
    """The folder, made, with the two chapters as files."""
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "nodes.mdx").write_text(NODES, encoding="utf-8")
    (folder / "docs" / "services.md").write_text(SERVICES, encoding="utf-8")
    return folder

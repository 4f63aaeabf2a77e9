"""`search_docs` and `ask_docs`: the site for coding agents, by the very ways in which readers search and ask."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from mcp_types import Tool, ToolAnnotations

from lectern.chat.deps import check_length
from lectern.chat.draft import Question
from lectern.chat.retrieval import retrieve
from lectern.chat.whole import collect
from lectern.errors import LecternError
from lectern.events import Source
from lectern.formats.sources import SourceBody, source_body
from lectern.limits.budgets import payer_of
from lectern.mcp.asker import Asker
from lectern.mcp.schemas import AskDocs, DocsAnswer, FoundSource, FoundSources, SearchDocs
from lectern.mcp.tool import OfferedTool, Outcome, checked, schema_of


async def search_docs(arguments: Mapping[str, Any], asker: Asker) -> Outcome:
    """Find the sections that match."""
    asked = checked(SearchDocs, arguments)
    check_length("query", asked.query, asker.chat)
    degraded: dict[str, str] = {}
    hits = await retrieve(
        asked.query, asker.ports, limit=asked.top_k, site=asked.site or None, trouble=partial(_note, degraded)
    )
    sources = [_found(source_body(Source.of(passage).json()), asker) for passage in hits.passages]
    text = "\n\n".join(f"{line}\n{source.quote}" for line, source in zip(_lines(sources), sources, strict=True))
    return Outcome(text or "Nothing on the site matches.", FoundSources(sources=sources, degraded=degraded))


async def ask_docs(arguments: Mapping[str, Any], asker: Asker) -> Outcome:
    """Have a question answered from the site, and the turn kept as any other."""
    asked = checked(AskDocs, arguments)
    check_length("question", asked.question, asker.chat)
    caller, config = asker.caller, asker.chat
    question = Question(
        text=asked.question,
        conversation_id=str(asked.conversation_id) if asked.conversation_id else None,
        site=asked.site or None,
        principal=caller.principal,
        trouble=caller.trouble,
        payer=payer_of(caller.principal, address=caller.address, is_new=caller.is_new) if config.budgets else None,
    )
    told = await collect(await config.turns.begin(question))
    data = DocsAnswer(
        answer=told.text,
        outcome="not_found" if told.outcome == "not_found" else "answered",
        sources=[_found(source_body(source.json()), asker) for source in told.sources],
        conversation_id=UUID(told.conversation_id),
        finish=told.finish,
        degraded=told.degraded,
    )
    return Outcome(_as_text(data), data)


def _note(degraded: dict[str, str], part: str, error: LecternError) -> None:
    degraded[part] = error.code


def _found(source: SourceBody, asker: Asker) -> FoundSource:
    return FoundSource(
        title=source.title,
        heading=" › ".join(source.heading_path),
        url=asker.link(source.href),
        quote=source.quote,
        site=source.site,
    )


def _lines(sources: list[FoundSource]) -> list[str]:
    names = (" › ".join(filter(None, (source.title, source.heading))) for source in sources)
    return [f"[{n}] {name}: {source.url}" for n, (name, source) in enumerate(zip(names, sources, strict=True), 1)]


def _as_text(data: DocsAnswer) -> str:
    parts = [data.answer]
    if data.sources:
        parts.append("\n".join(("Sources:", *_lines(data.sources))))
    if data.degraded:
        without = ", ".join(f"{part} ({code})" for part, code in data.degraded.items())
        parts.append(f"Made without: {without}.")
    parts.append(f"To ask a follow-up: conversation_id {data.conversation_id}.")
    return "\n\n".join(parts)


SITE_TOOLS: Final = (
    OfferedTool(
        Tool(
            name="search_docs",
            title="Search the documentation",
            description="Find the sections of the site's pages that match, best first: title, heading, link and the "
            "matching words. Quick, and no language model is asked.",
            input_schema=schema_of(SearchDocs),
            output_schema=FoundSources.model_json_schema(),
            annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        ),
        search_docs,
    ),
    OfferedTool(
        Tool(
            name="ask_docs",
            title="Ask the documentation",
            description="Have a question answered from the site's pages, with its sources cited. Says so when the site "
            "does not tell. The question and its answer are kept as a conversation, which follow-ups go on with.",
            input_schema=schema_of(AskDocs),
            output_schema=DocsAnswer.model_json_schema(),
            annotations=ToolAnnotations(
                read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
            ),
        ),
        ask_docs,
    ),
)

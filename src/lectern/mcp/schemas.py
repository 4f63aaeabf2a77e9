"""What the site's tools take and give, as agents read it in `tools/list`."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from lectern.chat.schemas import Asked, SearchRequest
from lectern.web.texts import Text


class SearchDocs(SearchRequest):
    """The arguments of `search_docs`; one that is misspelt is told, as an agent can mend it."""

    model_config = ConfigDict(extra="forbid")


class AskDocs(BaseModel):
    """The arguments of `ask_docs`."""

    model_config = ConfigDict(extra="forbid")

    question: Asked = Field(description="The question, in a sentence")
    conversation_id: UUID | None = Field(
        None, description="That of an earlier answer, to ask a follow-up; left out, a new conversation starts"
    )
    site: Text | None = Field(None, description="Answer from this site only")


class FoundSource(BaseModel):
    """A section of a page."""

    title: str = Field(description="The page's title")
    heading: str = Field(description="The headings above the section, ` › ` between them; empty at the top of a page")
    url: str = Field(description="The link that opens the very section")
    quote: str = Field(description="What of it matched best, word for word")
    site: str


class FoundSources(BaseModel):
    """What `search_docs` gives: the best sections, best first."""

    sources: list[FoundSource]
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")


class DocsAnswer(BaseModel):
    """What `ask_docs` gives."""

    answer: str = Field(description="Cites its sources as `[1]`, `[2]`, counted from one")
    outcome: Literal["answered", "not_found"] = Field(description="`not_found`: the site does not say")
    sources: list[FoundSource]
    conversation_id: UUID
    finish: str = Field(description="`length` or `filtered` when the answer is cut, else `stop`")
    degraded: dict[str, str] = Field(description="Parts that could not be used, with the reason's code")

"""What the tools take and give, as agents read it in `tools/list`; what those for tasks take is `lectern.tasks`'."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from lectern.chat.schemas import SearchRequest
from lectern.web.texts import SomeText, Text


class SearchDocs(SearchRequest):
    """The arguments of `search_docs`; one that is misspelt is told, as an agent can mend it."""

    model_config = ConfigDict(extra="forbid")


class AskDocs(BaseModel):
    """The arguments of `ask_docs`."""

    model_config = ConfigDict(extra="forbid")

    question: SomeText = Field(description="The question, in a sentence")
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


MOST_KEY_CHARACTERS: Final = 128


class Once(BaseModel):
    """What each tool that writes takes beside its own arguments."""

    idempotency_key: Annotated[StrictStr, Field(pattern=r"^[!-~]+$", max_length=MOST_KEY_CHARACTERS)] | None = Field(
        None,
        description="A new one for each change you mean, kept for retries of the same call: it is then done once",
    )


class AgentTask(BaseModel):
    """A task."""

    id: int
    title: str
    description: str
    status: Literal["pending", "completed"]
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class AgentTasks(BaseModel):
    """What the tools for tasks give: the tasks that were listed, or the one that was added, changed or deleted."""

    tasks: list[AgentTask]
    more: bool = Field(False, description="Whether there are more to list, with `offset`")

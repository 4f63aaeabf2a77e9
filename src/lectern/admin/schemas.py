"""The bodies of the operator's routes."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class UsageDay(BaseModel):
    """One UTC day."""

    day: date
    turns: int
    outcomes: dict[str, int] = Field(description="Turns by `answered`, `not_found`, `failed` and `cancelled`")
    prompt_tokens: int = Field(description="As the provider counted; what it did not count is not here")
    completion_tokens: int
    money: float | None = Field(description="By `TOKEN_PRICES`; null when it is not set")
    principals: dict[str, int] = Field(
        description="How many different ones asked, by `account`, `user`, `integration` and `visitor`"
    )


class UsageAnswer(BaseModel):
    """What was asked and spent, the last day first. A day without a turn is left out."""

    currency: str | None = Field(description="Of `BUDGETS`, when one is in money")
    usage: list[UsageDay]


class UnansweredQuestion(BaseModel):
    """Questions of the same words that found nothing; capitals, blanks and signs at their ends do not count."""

    question: str = Field(description="As it was asked last; cut at 500 characters")
    count: int
    best_score: float | None = Field(description="Of the best passage that was found for it; null when there was none")
    title: str = Field(description="Of the nearest page, or empty")
    href: str = Field(description="The link to the nearest page's section, or empty")
    last_asked: datetime


class UnansweredAnswer(BaseModel):
    """The questions that the site does not answer, those that were asked most first."""

    is_all: bool = Field(description="False when there were more turns than are read; the newest are")
    questions: list[UnansweredQuestion]


class FeedbackItem(BaseModel):
    """An answer and what its reader thought of it; texts are cut at 500 characters."""

    turn_id: str
    question: str
    answer: str
    rating: Literal[-1, 1]
    comment: str
    rated_at: datetime


class FeedbackAnswer(BaseModel):
    """The newest feedback, newest first."""

    is_all: bool = Field(description="False when there was more than is shown")
    feedback: list[FeedbackItem]


class PersonAnswer(BaseModel):
    """How much is kept of a principal; nothing of what."""

    principal_id: str
    conversations: int
    turns: int
    feedback: int
    has_profile: bool
    has_account: bool
    tasks: int
    remembered: int = Field(description="Writes, turns and questions of the task assistant, kept for a day")
    has_task_list: bool = Field(description="Whether its tasks are numbered; also when none is left")
    live_turns: int = Field(description="Turns that are written down while they are under way")
    first_at: datetime | None = Field(description="When its first conversation began")
    last_at: datetime | None = Field(description="When its last question came")


class ForgottenAnswer(BaseModel):
    """Nothing is kept of the principal any more."""

    message: str = "Everything that was kept of this person is deleted."
    principal_id: str
    conversations: int = Field(description="How many were deleted")
    tasks: int = Field(description="How many were deleted")


class StartedAnswer(BaseModel):
    """An ingest has begun; `GET /ingest` tells how it goes."""

    status: Literal["started"] = "started"


class PageCounts(BaseModel):
    """Pages of `CONTENT_DIR`, compared with what was indexed before."""

    new: int
    changed: int
    gone: int
    same: int


class VectorCounts(BaseModel):
    """Chunks that got a vector, and that still have none."""

    made: int
    missing: int


class IngestAnswer(BaseModel):
    """The last ingest that was asked for, in whichever worker."""

    status: Literal["never", "running", "done", "failed", "interrupted"]
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pages: PageCounts | None = None
    vectors: VectorCounts | None = Field(None, description="null without an embedding model")
    message: str = Field("", description="Why it failed")

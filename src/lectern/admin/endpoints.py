"""What the operator asks and does: ingests, usage, unanswered questions, feedback, people. All by `ADMIN_TOKEN`."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from lectern.admin.ingesting import IngestDesk
from lectern.admin.people import PeopleDesk
from lectern.admin.schemas import (
    FeedbackAnswer,
    FeedbackItem,
    ForgottenAnswer,
    IngestAnswer,
    PersonAnswer,
    StartedAnswer,
    UnansweredAnswer,
    UsageAnswer,
    UsageDay,
)
from lectern.admin.unanswered import as_csv, as_markdown, grouped
from lectern.daily_budget import Prices
from lectern.errors import IngestRunning, NotFound
from lectern.ports import DayUsage, Records
from lectern.web.access import OperatorDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems

MOST_TURNS: Final = 10_000
"""Unanswered turns that are read; more are no list for people, and these take a tenth of a second."""

MOST_FEEDBACK: Final = 1000

Days = Annotated[int, Query(ge=1, le=366, description="How many UTC days back, today included")]


@dataclass(frozen=True, slots=True)
class AdminConfig:
    """What the operator's routes are configured with.

    Attributes:
        ingests: Begins them.
        people: Knows what is kept of whom.
        prices: What tokens cost; None when that is not known.
        currency: Of the prices; None when that is not known.
    """

    ingests: IngestDesk
    people: PeopleDesk
    prices: Prices | None = None
    currency: str | None = None


async def _config(request: Request) -> AdminConfig:  # a plain function would be run in a thread
    config: AdminConfig = request.app.state.admin
    return config


async def _records(ports: PortsDep) -> Records:
    if ports.records is None:
        raise NotFound
    return ports.records


ConfigDep = Annotated[AdminConfig, Depends(_config)]
RecordsDep = Annotated[Records, Depends(_records)]

router = APIRouter(tags=["operator"])


@router.post("/ingest", status_code=202, responses=problems(IngestRunning))
async def start_ingest(_: OperatorDep, config: ConfigDep) -> StartedAnswer:
    """Begin to bring the index in line with `CONTENT_DIR`, in the background; 409 while one runs."""
    await config.ingests.start()
    return StartedAnswer()


@router.get("/ingest")
async def last_ingest(_: OperatorDep, config: ConfigDep) -> IngestAnswer:
    """How the last ingest goes or went, whichever worker runs it."""
    return await config.ingests.last()


@router.get("/admin/usage")
async def usage(_: OperatorDep, config: ConfigDep, records: RecordsDep, days: Days = 30) -> UsageAnswer:
    """Turns, tokens, money and people by UTC day."""
    found = await records.usage(_since(days))
    return UsageAnswer(currency=config.currency, usage=[_day(day, config.prices) for day in reversed(found)])


@router.get(
    "/admin/unanswered",
    response_model=UnansweredAnswer,
    responses={200: {"content": {f"text/{kind}": {"schema": {"type": "string"}} for kind in ("csv", "markdown")}}},
)
async def unanswered(
    _: OperatorDep,
    records: RecordsDep,
    days: Days = 90,
    form: Annotated[Literal["json", "csv", "markdown"], Query(alias="format")] = "json",
) -> UnansweredAnswer | Response:
    """The questions that the site does not answer, with the nearest page: what to write next."""
    asked = await records.unanswered(_since(days), most=MOST_TURNS)
    questions = await asyncio.to_thread(grouped, asked)
    if form == "json":
        return UnansweredAnswer(is_all=len(asked) < MOST_TURNS, questions=questions)
    text = await asyncio.to_thread(as_csv if form == "csv" else as_markdown, questions)
    return Response(text.encode("utf-8", "replace"), media_type=f"text/{form}; charset=utf-8")


@router.get("/admin/feedback")
async def feedback(_: OperatorDep, records: RecordsDep, days: Days = 90) -> FeedbackAnswer:
    """What readers thought of answers, newest first."""
    found = await records.feedback(_since(days), most=MOST_FEEDBACK)
    items = [FeedbackItem.model_validate(asdict(rated)) for rated in found]
    return FeedbackAnswer(is_all=len(items) < MOST_FEEDBACK, feedback=items)


@router.get(
    "/admin/people/{principal_id:path}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def export_person(principal_id: str, _: OperatorDep, config: ConfigDep, records: RecordsDep) -> StreamingResponse:
    """Everything that is kept of a person, as one JSON object."""
    if config.people.export is None:
        raise NotFound
    await config.people.held(principal_id, records)
    return StreamingResponse(await config.people.export(principal_id), media_type="application/json")


@router.get("/admin/people/{principal_id:path}")
async def person(principal_id: str, _: OperatorDep, config: ConfigDep, records: RecordsDep) -> PersonAnswer:
    """How much is kept of a person, and since when; its id is `account:…`, `user:…` or `visitor:…`."""
    return PersonAnswer.model_validate(asdict(await config.people.held(principal_id, records)))


@router.delete("/admin/people/{principal_id:path}")
async def forget_person(principal_id: str, _: OperatorDep, config: ConfigDep, ports: PortsDep) -> ForgottenAnswer:
    """Delete everything that is kept of a person. Done again, it deletes nothing and is no error."""
    deleted = await config.people.erase(principal_id, ports.store, ports.tasks)
    if ports.retention is not None:
        await ports.retention.scrub()
    return ForgottenAnswer(principal_id=principal_id, **asdict(deleted))


def _since(days: int) -> datetime:
    """When the first of so many UTC days began, today being the last."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


def _day(day: DayUsage, prices: Prices | None) -> UsageDay:
    prompt, completion = day.usage.prompt_tokens, day.usage.completion_tokens
    return UsageDay(
        day=day.day,
        turns=sum(day.turns.values()),
        outcomes=dict(day.turns),
        prompt_tokens=prompt,
        completion_tokens=completion,
        money=round(prices.of(prompt, completion), 6) if prices else None,
        principals=dict(day.principals),
    )

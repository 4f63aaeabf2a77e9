"""The statements of `SqlRecords`; all of them go by an index on when or by whom something was asked."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, String, bindparam, case, cast, distinct, func, select

from lectern.adapters.sql_models import AccountRow, ConversationRow, FeedbackRow, ProfileRow, TurnRow
from lectern.adapters.sql_task_models import ConfirmationRow, TaskListRow, TaskRow, TaskTurnRow, TaskWriteRow
from lectern.adapters.sql_turn_models import LiveTurnRow
from lectern.adapters.sql_types import AnyText
from lectern.ports.records import MOST_CHARACTERS

_PRINCIPAL: Final = bindparam("principal", type_=AnyText())
_SINCE: Final = TurnRow.created_at >= bindparam("since")
_KINDS: Final = ("account", "user", "integration", "visitor", "operator")


def turns_a_day(dialect: str) -> Executable:
    """Turns and tokens by day and outcome."""
    day = _day(dialect)
    return (
        select(day.label("day"), TurnRow.outcome, func.count().label("turns"), *_tokens())
        .where(_SINCE)
        .group_by(day, TurnRow.outcome)
    )


def principals_a_day(dialect: str) -> Executable:
    """Different principals by day and kind; those of whom nothing is known are none."""
    day = _day(dialect)
    principal = ConversationRow.principal_id
    kind = case(*((principal.startswith(f"{name}:"), name) for name in _KINDS))
    return (
        select(day.label("day"), kind.label("kind"), func.count(distinct(principal)).label("principals"))
        .select_from(TurnRow)
        .join(ConversationRow)
        .where(_SINCE, kind.is_not(None))
        .group_by(day, kind)
    )


def _day(dialect: str) -> ColumnElement[str]:
    """The UTC day of a turn, as `2026-01-31`. SQLite keeps the naive UTC time as text."""
    if dialect == "sqlite":
        return func.substr(cast(TurnRow.created_at, String), 1, 10, type_=String())
    return func.to_char(func.timezone("UTC", TurnRow.created_at), "YYYY-MM-DD", type_=String())


def _tokens() -> tuple[ColumnElement[float], ColumnElement[float]]:
    """The sums of tokens that providers counted; a turn without is 0. As floats: no provider's number is too large."""
    prompt, completion = (
        func.coalesce(func.sum(TurnRow.usage[name].as_float()), 0) for name in ("prompt_tokens", "completion_tokens")
    )
    return prompt.label("prompt"), completion.label("completion")


def _cut(column: Any, label: str) -> ColumnElement[str]:  # noqa: ANN401 - any text column
    """The beginning of a text."""
    return func.substr(column, 1, MOST_CHARACTERS, type_=AnyText()).label(label)


_ASKED_WITHIN: Final = (_SINCE, TurnRow.created_at < bindparam("until"))
SPENT: Final[Executable] = select(*_tokens()).where(*_ASKED_WITHIN)
SPENDERS: Final[Executable] = (
    select(ConversationRow.principal_id, *_tokens())
    .select_from(TurnRow)
    .join(ConversationRow)
    .where(*_ASKED_WITHIN, ConversationRow.principal_id.is_not(None))
    .group_by(ConversationRow.principal_id)
    .order_by(sum(_tokens(), start=cast(0, _tokens()[0].type)).desc(), ConversationRow.principal_id)
    .limit(bindparam("most"))
)
UNANSWERED: Final = (
    select(
        _cut(TurnRow.question, "question"),
        TurnRow.created_at,
        TurnRow.sources[(0, "score")].as_float().label("score"),
        TurnRow.sources[(0, "title")].as_string().label("title"),
        TurnRow.sources[(0, "href")].as_string().label("href"),
    )
    .where(_SINCE, TurnRow.outcome == "not_found")
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("most"))
)
FEEDBACK: Final = (
    select(
        FeedbackRow.turn_id,
        _cut(TurnRow.question, "question"),
        _cut(TurnRow.answer, "answer"),
        FeedbackRow.rating,
        _cut(FeedbackRow.comment, "comment"),
        FeedbackRow.created_at,
    )
    .join(TurnRow)
    .where(FeedbackRow.created_at >= bindparam("since"))
    .order_by(FeedbackRow.created_at.desc(), FeedbackRow.turn_id)
    .limit(bindparam("most"))
)
HELD: Final = (
    select(
        func.count(distinct(ConversationRow.id)).label("conversations"),
        func.count(TurnRow.id).label("turns"),
        func.count(FeedbackRow.turn_id).label("feedback"),
        func.min(ConversationRow.created_at).label("first_at"),
        func.max(ConversationRow.updated_at).label("last_at"),
    )
    .select_from(ConversationRow)
    .outerjoin(TurnRow)
    .outerjoin(FeedbackRow)
    .where(ConversationRow.principal_id == _PRINCIPAL)
)


def _rows_of(table: Any) -> Any:  # noqa: ANN401 - any table that has a principal, and its count as a column
    return select(func.count()).select_from(table).where(table.principal_id == _PRINCIPAL).scalar_subquery()


DOING: Final = select(
    _rows_of(TaskRow).label("tasks"),
    (_rows_of(TaskWriteRow) + _rows_of(TaskTurnRow) + _rows_of(ConfirmationRow)).label("remembered"),
    _rows_of(TaskListRow).label("lists"),
    _rows_of(LiveTurnRow).label("live_turns"),
)
HAS_PROFILE: Final = select(ProfileRow.principal_id).where(ProfileRow.principal_id == _PRINCIPAL)
HAS_ACCOUNT: Final = select(AccountRow.id).where(AccountRow.id == bindparam("account"))

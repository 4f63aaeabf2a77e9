"""Column types that do what SQLite and Postgres disagree on.

Moments are aware and UTC on both, and text that Postgres would refuse (NUL characters, lone surrogates, NaN in JSON) is
made storable on the way in, so that a save never fails for its content.
"""

import math
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.types import TypeEngine


def storable(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with everything replaced that a database would refuse, at any depth.

    NUL becomes U+FFFD, a lone surrogate `?`, and a number that is not finite None.
    """
    match value:
        case str() if value.isascii() and "\x00" not in value:
            return value
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value]
        case _:
            return value


def uuid_of(text: str) -> UUID | None:
    """The id as a UUID. What is no UUID names nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept and given back in UTC. SQLite has no time zones, so it keeps the naive UTC time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime into what the database keeps."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment needs its time zone"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AnyText(TypeDecorator[str]):
    """Text of any length and content."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what a database would refuse."""
        del dialect
        return None if value is None else str(storable(value))


class Json(TypeDecorator[Any]):
    """A JSON value; JSONB on Postgres. With `none_as_null` None is no value, else JSON's `null`."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own JSON type."""
        none_as_null = cast("JSON", self.impl_instance).none_as_null
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON(none_as_null=none_as_null))
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - imported by then; 0.1 s where it is not used

        return dialect.type_descriptor(JSONB(none_as_null=none_as_null))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON value
        """Replace what a database would refuse."""
        del dialect
        return storable(value)

"""Reading settings so that all that is wrong with them can be told at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from lectern.config.errors import ConfigError, explain, wrong_fields

Model = TypeVar("Model", bound=BaseSettings)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Model]):
    """What the environment and `.env` hold.

    Attributes:
        settings: What they make, with defaults for what is wrong.
        wrong: The variables that hold something wrong.
        message: What is wrong with each; empty when nothing is.
    """

    settings: Model
    wrong: frozenset[str]
    message: str


def read(model: type[Model]) -> Reading[Model]:
    """Read the environment and `.env`.

    Raises:
        ConfigError: `.env` is there and cannot be read.
    """
    try:
        return Reading(model(), frozenset(), "")
    except ValidationError as error:
        wrong = wrong_fields(error)
        return Reading(_without(model, wrong), frozenset(name.upper() for name in wrong), explain(model, error))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(f"Lectern cannot start: .env cannot be read ({reason}).") from None


def _without(model: type[Model], wrong: Sequence[str]) -> Model:
    """The settings with defaults for what is wrong, and for what is wrong only because of those."""
    instead = {name: model.model_fields[name].get_default() for name in wrong}
    try:
        return model(**instead)
    except ValidationError as error:
        return _without(model, [*wrong, *wrong_fields(error)])

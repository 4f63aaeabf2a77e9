"""Readers' tasks and the assistant that manages them."""

from pydantic import Field, field_validator

from lectern.config.limits import parsed_rate
from lectern.config.part import Seconds, SettingsPart
from lectern.rate import Rate


class TaskSettings(SettingsPart):
    """Readers' tasks and the assistant that manages them."""

    max_tasks: int = Field(
        500, ge=1, le=10_000, description="Tasks that one reader may have; a list of all is made in milliseconds"
    )
    task_chat_limit: str = Field(
        "10/minute",
        description="How often one reader may write to the task assistant, as NUMBER/second, minute, hour or day, or "
        "none; counted beside LIMITS, and on everywhere: each message may be several calls of a model",
    )
    task_message_characters: int = Field(
        1000, ge=100, le=8000, description="Longest message to the task assistant, in characters"
    )
    task_steps: int = Field(
        6, ge=1, le=20, description="How often the model is asked in one turn; a list and a change take three"
    )
    task_calls: int = Field(20, ge=1, le=100, description="Tools that one turn may call, so tasks it may change")
    task_tokens: int = Field(
        30_000,
        ge=1000,
        le=1_000_000,
        description="Tokens that one turn may use, prompts included: six steps with a list of 50 tasks in each",
    )
    task_seconds: Seconds = Field(
        60,
        description="How long one turn may take; a turn whose worker died can be tried again with its key after it",
    )
    task_waiting_seconds: Seconds = Field(
        20,
        description="How long a retry waits for the same turn that is still under way; then it is told to come again",
    )

    @field_validator("task_chat_limit")
    @classmethod
    def _task_chat_limit(cls, value: str) -> str:
        parsed_rate(value)
        return value

    @property
    def task_rate(self) -> Rate | None:
        """The rate of `TASK_CHAT_LIMIT`; None for no limit."""
        return parsed_rate(self.task_chat_limit)

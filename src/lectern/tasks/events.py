"""The events of a turn with the task assistant, in the order they are sent.

    started                 {conversation_id, turn_id}
    degraded                {part, reason, used}               any number: what could not be used, and what stands in
    delta                   {text}                             the answer, piece by piece
    tool                    {tool_name, parameters, execution_status, tasks}    any number, between deltas
    clarification_required  {question, options}                at most once: the reader has to say which task is meant
    confirmation_required   {confirmation_id, question, calls} at most once: not done before the reader says "yes"
    done                    {conversation_title, finish, usage, timings}        the end of an answer …
    failed                  {code, message, retryable}         … or of a turn that could not be answered

The question of either asking event stands in the deltas too, so that a client that knows neither event still shows it.
Exactly one `done` or `failed` ends a turn, and nothing follows it. The turn is saved before either is sent. A turn that
comes again with the same key has the same events, its deltas as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from lectern.events import Degraded, Delta, Failed, Started
from lectern.ports import Finish

__all__ = [
    "ClarificationRequired",
    "ConfirmationRequired",
    "Degraded",
    "Delta",
    "Done",
    "Event",
    "ExecutionStatus",
    "Failed",
    "Started",
    "ToolUsed",
    "event_of",
    "payload",
]

ExecutionStatus = Literal["success", "error", "ambiguous", "confirmation_required"]
"""What became of a call: done; refused or failed; it fits several tasks; not done, as the reader is asked first."""


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool was called.

    Attributes:
        tool_name: As the model named it.
        parameters: The arguments, plain JSON values; empty when they were none.
        execution_status: What became of it.
        tasks: The tasks it is about, as `lectern.tasks.tools.task_json` makes them.
    """

    tool_name: str
    parameters: Mapping[str, Any]
    execution_status: ExecutionStatus
    tasks: tuple[Mapping[str, Any], ...] = ()
    name: Literal["tool"] = "tool"

    @property
    def call(self) -> dict[str, Any]:
        """The call as it is kept with its turn, a plain JSON object."""
        return {
            "tool_name": self.tool_name,
            "parameters": dict(self.parameters),
            "execution_status": self.execution_status,
        }


@dataclass(frozen=True, slots=True)
class ClarificationRequired:
    """The reader has to say which task is meant.

    Attributes:
        question: One sentence.
        options: What may be meant, each as a line to show or to send back.
    """

    question: str
    options: tuple[str, ...] = ()
    name: Literal["clarification_required"] = "clarification_required"


@dataclass(frozen=True, slots=True)
class ConfirmationRequired:
    """The reader is asked before anything of this is done.

    Attributes:
        confirmation_id: UUID, as text.
        question: What would be done, in words.
        calls: The same as `{tool_name, parameters, title}` objects; the title is its task's, null for a new one.
    """

    confirmation_id: str
    question: str
    calls: tuple[Mapping[str, Any], ...]
    name: Literal["confirmation_required"] = "confirmation_required"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete and saved.

    Attributes:
        conversation_title: What its conversation is called.
        finish: Why the model ended.
        usage: Tokens, as `{prompt_tokens, completion_tokens}`, of all its steps; empty when no model was asked.
        timings: Milliseconds since the message came: `first_token`, `total`.
    """

    conversation_title: str
    finish: Finish = "stop"
    usage: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    name: Literal["done"] = "done"


Event = Started | Degraded | Delta | ToolUsed | ClarificationRequired | ConfirmationRequired | Done | Failed


def payload(event: Event) -> dict[str, Any]:
    """The event's fields as plain JSON values, its name left out."""
    return {name: _plain(getattr(event, name)) for name in _FIELDS[type(event)]}


def event_of(name: str, told: Mapping[str, Any]) -> Event:
    """The event that a payload was made of.

    Args:
        name: The event's.
        told: What `payload` made of it, also when it comes from a database.

    Raises:
        KeyError: There is no such event.
    """
    kind = _KINDS[name]
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    event: Event = kind(**{key: given[key] for key in _FIELDS[kind] if key in given})
    return event


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


_KINDS: Final[dict[str, Any]] = {
    "started": Started,
    "degraded": Degraded,
    "delta": Delta,
    "tool": ToolUsed,
    "clarification_required": ClarificationRequired,
    "confirmation_required": ConfirmationRequired,
    "done": Done,
    "failed": Failed,
}
_FIELDS: Final = {kind: tuple(field.name for field in fields(kind) if field.name != "name") for kind in _KINDS.values()}

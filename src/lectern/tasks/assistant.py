"""One turn with the task assistant: claim → history → confirmation, model or grammar → persist."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from lectern.limits.budgets import Budgets, Payer
from lectern.ports import LLM, Ports
from lectern.principal import Principal
from lectern.tasks.events import Event


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a reader sent.

    Attributes:
        text: The message.
        principal: Who asks; whose tasks they are.
        conversation_id: The conversation to go on with; None starts a new one.
        key: The client's idempotency key, at most 200 characters; None makes each sending a turn of its own.
        payer: Whose daily budget it is counted in; None where there are no budgets.
    """

    text: str
    principal: Principal
    conversation_id: str | None = None
    key: str | None = None
    payer: Payer | None = None


@dataclass(frozen=True, slots=True)
class Knobs:
    """The assistant's settings; `config/tasks.py` has their units, defaults and reasons.

    Attributes:
        history_turns: Most earlier turns of the conversation that a model reads.
        prompt_tokens: Longest first prompt, in tokens of about four characters.
        most_tasks: How many tasks one reader may have.
        most_steps: How often a model is asked in one turn.
        most_calls: How many tools it may call in one turn.
        most_tokens: How many tokens it may use in one turn, prompts included.
        turn_seconds: How long a turn may take where the request has no deadline; others wait that long for its key.
        waiting_seconds: How long one waits for the same turn that somebody else does.
        rules: The system message.
    """

    history_turns: int
    prompt_tokens: int
    most_tasks: int
    most_steps: int
    most_calls: int
    most_tokens: int
    turn_seconds: float
    waiting_seconds: float
    rules: str


class Assistant:
    """Manages readers' tasks by what they say.

    Args:
        ports: Where conversations and tasks are kept; `ports.tasks` is wanted.
        knobs: As given.
        llms: Models that can call tools, asked in this order; with none, the grammar answers.
        budgets: What may be spent a day; None where nothing is counted.
    """

    def __init__(self, ports: Ports, knobs: Knobs, *, llms: Sequence[LLM], budgets: Budgets | None = None) -> None:
        self._ports = ports
        self._knobs = knobs
        self._llms = llms
        self._budgets = budgets

    def turn(self, request: TaskRequest) -> AsyncGenerator[Event, None]:
        """Do what a reader asks; yields the events of `lectern.tasks.events` in their order.

        Raises:
            ConversationNotFound: The conversation does not exist. Like the next ones, only before the first event.
            Forbidden: It is another's.
            IdempotencyMismatch: The key was used for another message.
            TurnRunning: The same turn is under way, and did not end while this one waited.
            StoreUnavailable: Tasks or conversations cannot be read now.
        """
        raise NotImplementedError


def models_of(ports: Ports) -> tuple[LLM, ...]:
    """The models that can call tools: those that only quote cannot."""
    return tuple(llm for llm in (ports.llm, *ports.fallback_llms) if llm.describe().kind != "quoting")

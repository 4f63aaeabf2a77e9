"""Settings → the task assistant, and how often it may be asked."""

from lectern.config import Settings
from lectern.limits.budgets import Budgets
from lectern.limits.rules import Rules
from lectern.ports import Ports
from lectern.tasks.agent import Bounds, load_rules
from lectern.tasks.assistant import Assistant, Knobs, models_of

ASSISTANT = "the task assistant"
"""What its rate is called in messages."""


def build_assistant(settings: Settings, ports: Ports, budgets: Budgets | None) -> Assistant | None:
    """The assistant; None where no tasks are kept.

    Args:
        settings: Read from the environment.
        ports: Where tasks and conversations are kept, and the models.
        budgets: What may be spent a day.
    """
    if ports.tasks is None:
        return None
    knobs = Knobs(
        history_turns=settings.history_turns,
        prompt_tokens=settings.prompt_tokens,
        most_tasks=settings.max_tasks,
        bounds=Bounds(
            steps=settings.task_steps,
            calls=settings.task_calls,
            tokens=settings.task_tokens,
            seconds=settings.task_seconds,
        ),
        waiting_seconds=settings.task_waiting_seconds,
        rules=load_rules(),
    )
    return Assistant(ports, knobs, llms=models_of(ports), budgets=budgets)


def build_assistant_rules(settings: Settings) -> Rules | None:
    """How often one reader may write to the assistant; None for no limit."""
    rate = settings.task_rate
    return Rules(account=rate, scope=ASSISTANT) if rate else None

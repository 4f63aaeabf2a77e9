"""A turn while it grows: what was said so far, and what is kept of it."""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lectern.errors import LecternError
from lectern.events import WAKING, Degraded, Delta, Source, Started, Waking
from lectern.limits.budgets import Payer, estimate
from lectern.ports import LLM, Completion, Finish, Outcome, Passage, Prompt, Turn, Usage
from lectern.principal import Principal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asked.

    Attributes:
        text: The question.
        context: Text they had highlighted, or empty.
        conversation_id: The conversation to go on with; None starts a new one.
        site: Answer from this site only; None means from all.
        principal: Who asks; None is nobody known, as a visitor without an id.
        trouble: Why it could not be told who asks, although it showed something; it is a visitor then.
        payer: Whose daily budget it is counted in; None where there are no budgets.
        turn_id: The turn's UUID, as text; empty for a new one.
        opens: Whether a conversation that is not there is begun under `conversation_id`, which its client made.
        history: The earlier turns, from a client that sends them along, oldest first; None for those of the store.
        instructions: How the client wants to be answered beside the site's rules; never against them.
    """

    text: str
    context: str = ""
    conversation_id: str | None = None
    site: str | None = None
    principal: Principal | None = None
    trouble: LecternError | None = None
    payer: Payer | None = None
    turn_id: str = ""
    opens: bool = False
    history: Sequence[Turn] | None = None
    instructions: str = ""

    @property
    def principal_id(self) -> str | None:
        """What its conversation is kept under."""
        return self.principal.id if self.principal else None


class Draft:
    """Collects a turn's text, sources, troubles, usage and timings.

    Args:
        question: What was asked; without a conversation, a new one gets its id here.
        turn_id: The turn's UUID, as text, unless the question has it; left out, a new one.

    Attributes:
        started: Whether the reader was told which turn it is; from then on it is kept, whatever becomes of it.
        settled: Whether it is known what becomes of it, and only its end is left to keep: too late to stop it.
        ended_by: Why it was ended early, or the code of the error that it failed with; empty for a whole answer.
    """

    def __init__(self, question: Question, *, turn_id: str = "") -> None:
        self.question = question
        self.begins = question.conversation_id is None
        self.conversation_id = question.conversation_id or str(uuid.uuid4())
        self.turn_id = question.turn_id or turn_id or str(uuid.uuid4())
        self.sources: tuple[Source, ...] = ()
        self.finish: Finish = "stop"
        self.usage: dict[str, int] = {}
        self.timings: dict[str, float] = {}
        self.started = False
        self.settled = False
        self.ended_by = ""
        self.saved = False
        self.charged = False
        self._created_at = datetime.now(UTC)
        self._started = time.monotonic()
        self._text: list[str] = []
        self._degraded: dict[str, str] = {}
        self._asked: tuple[LLM, Prompt] | None = None

    def mark(self, milestone: str) -> None:
        """Note the milliseconds since the question came."""
        self.timings[milestone] = round((time.monotonic() - self._started) * 1000, 1)

    def begin_anew(self) -> None:
        """Leave the conversation that was named, before the reader is told which it is, and begin another."""
        self.begins, self.conversation_id = True, str(uuid.uuid4())

    def start(self) -> Started:
        """Tell the reader which turn this is; from here on it is kept, whatever becomes of it."""
        self.started = True
        return Started(self.conversation_id, self.turn_id)

    def show(self, passages: Sequence[Passage]) -> None:
        """Note what the reader is shown as sources."""
        self.sources = tuple(Source.of(passage) for passage in passages)
        self.mark("retrieved")

    def wake(self, waking: Waking) -> Waking:
        """Note that the reader was told of a part that is slow, so that a replay of the turn tells it in its place."""
        self.mark(f"{WAKING}{waking.part}")
        return waking

    def say(self, text: str) -> Delta:
        """Add to the answer."""
        if not self._text:
            self.mark("first_token")
        self._text.append(text)
        return Delta(text)

    @property
    def said(self) -> bool:
        """Whether any of the answer was sent."""
        return bool(self._text)

    def degrade(self, part: str, error: LecternError, *, used: str = "") -> Degraded:
        """Note a part that could not be used, and what was used instead."""
        # The cause by its kind only: its text may hold what a provider was sent, and adapters log what they must.
        logger.warning("%s could not be used: %s (%s)", part, error.code, type(error.__cause__).__name__)
        self._degraded[part] = error.code
        return Degraded(part, error.code, used)

    def ask(self, llm: LLM, prompt: Prompt) -> None:
        """Note who is asked for the answer, and with what."""
        self._asked = llm, prompt

    @property
    def cost(self) -> Usage:
        """What the answer has cost so far: as the provider counted, else as far as its characters tell."""
        if self._asked is None or not self._asked[0].describe().billed:
            return Usage()
        if any(self.usage.values()):
            return Usage(**self.usage)
        return estimate(self._asked[1], sum(map(len, self._text)))

    def complete(self, completion: Completion) -> None:
        """Note why the answer ended, and its tokens when the provider counted them."""
        self.finish = completion.finish
        if usage := completion.usage:
            self.usage = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}

    def turn(self, outcome: Outcome) -> Turn:
        """The turn as it is kept."""
        self.mark("total")
        return Turn(
            id=self.turn_id,
            conversation_id=self.conversation_id,
            question=self.question.text,
            context=self.question.context,
            answer="".join(self._text),
            sources=[source.json() for source in self.sources],
            outcome=outcome,
            degraded=dict(self._degraded),
            usage=self.usage,
            timings=self.timings,
            finish=self.ended_by or self.finish,
            created_at=self._created_at,
            principal_id=self.question.principal_id,
            begins=self.begins,
        )

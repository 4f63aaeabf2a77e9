"""How a port says what stands behind it."""

from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["ok", "unknown", "down"]


@dataclass(frozen=True, slots=True)
class Part:
    """One dependency as the boot report and `/health` show it; built from memory, never by I/O.

    Attributes:
        name: The port: `store`, `index`, `embeddings`, `rerank`, `llm`, `study_llm`, `login`, `integrations`, `limits`.
        kind: What serves it: `SQLite`, `local index`, `OpenAI gpt-4o-mini`, `quoting`.
        state: `ok` after a success, `down` after a failure, `unknown` before the first use.
        note: One short phrase for people: a count, a file, a reason. Never a secret.
        billed: Whether its use costs tokens, which daily budgets count.
    """

    name: str
    kind: str
    state: State = "unknown"
    note: str = ""
    billed: bool = False


@dataclass(frozen=True, slots=True)
class CircuitState:
    """What all workers together know of one operation of one part.

    Attributes:
        part: `llm`, `fallback_llm`, `study_llm`, `embeddings`, `rerank`, `index`, `database` or `limits`.
        operation: What is done with it: `answer`, `rewrite`, `embed`, `rerank`, `search`, `read`, `write`, `count`.
        state: `open` refuses calls at once, `half_open` lets a probe through.
        failure_count: Failures in a row.
        retry_after_seconds: When the next call may pass; 0 when one may now.
        rejected: The last call was refused for its key, model or content.
        changed_seconds_ago: When this became so; None when nothing ever went wrong.
    """

    part: str
    operation: str
    state: Literal["closed", "open", "half_open"]
    failure_count: int
    retry_after_seconds: float
    rejected: bool
    changed_seconds_ago: float | None

    @property
    def well(self) -> bool:
        """Whether the last that any worker knows is a success."""
        return self.state == "closed" and not self.failure_count and not self.rejected


class Circuit(Protocol):
    """Whoever can say how one operation of one part goes, from memory."""

    def describe(self) -> CircuitState:
        """The circuit as all workers know it together."""
        ...

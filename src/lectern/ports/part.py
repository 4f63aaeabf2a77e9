"""How a port says what stands behind it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "unknown", "down"]


@dataclass(frozen=True, slots=True)
class Part:
    """One dependency as the boot report and `/health` show it; built from memory, never by I/O.

    Attributes:
        name: The port: `store`, `index`, `embeddings`, `rerank`, `llm`.
        kind: What serves it: `SQLite`, `local index`, `OpenAI gpt-4o-mini`, `quoting`.
        state: `ok` after a success, `down` after a failure, `unknown` before the first use.
        note: One short phrase for people: a count, a file, a reason. Never a secret.
    """

    name: str
    kind: str
    state: State = "unknown"
    note: str = ""

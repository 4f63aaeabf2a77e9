"""What the core needs from the world, in plain Python."""

from dataclasses import dataclass

from lectern.ports.embeddings import Embeddings, Vector
from lectern.ports.index import Counts, Document, Hits, Index, IndexUpdate, Passage, Section, encode_route
from lectern.ports.llm import LLM, Completion, Finish, Message, Prompt, Role, Usage
from lectern.ports.part import Circuit, CircuitState, Part, State
from lectern.ports.store import Outcome, Store, Turn

__all__ = [
    "LLM",
    "Circuit",
    "CircuitState",
    "Completion",
    "Counts",
    "Document",
    "Embeddings",
    "Finish",
    "Hits",
    "Index",
    "IndexUpdate",
    "Message",
    "Outcome",
    "Part",
    "Passage",
    "Ports",
    "Prompt",
    "Role",
    "Section",
    "State",
    "Store",
    "Turn",
    "Usage",
    "Vector",
    "encode_route",
]


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the core leans on, handed in once.

    Attributes:
        store: Conversations.
        index: The site's sections.
        llm: Who answers.
        fallback_llms: Who answers when `llm` fails before its first token, in this order; none when it cannot fail.
        embeddings: Vectors for the query; None means lexical retrieval only.
        circuits: How the guarded parts go, as all workers know it together.
    """

    store: Store
    index: Index
    llm: LLM
    fallback_llms: tuple[LLM, ...] = ()
    embeddings: Embeddings | None = None
    circuits: tuple[Circuit, ...] = ()

    def parts(self) -> list[Part]:
        """Each part as reports show it, from memory."""
        used = (self.store, self.index, self.embeddings, self.llm)
        return [part.describe() for part in used if part is not None]

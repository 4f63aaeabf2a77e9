"""What the core needs from the world, in plain Python."""

from dataclasses import dataclass

from lectern.ports.embeddings import Embeddings, Vector
from lectern.ports.index import Counts, Document, Hits, Index, IndexUpdate, Passage, Section
from lectern.ports.llm import LLM, Completion, Finish, Message, Prompt, Role, Usage
from lectern.ports.part import Part, State
from lectern.ports.rerank import Reranker
from lectern.ports.store import Outcome, Store, Turn

__all__ = [
    "LLM",
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
    "Reranker",
    "Role",
    "Section",
    "State",
    "Store",
    "Turn",
    "Usage",
    "Vector",
]


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the core leans on, handed in once.

    Attributes:
        store: Conversations.
        index: The site's sections.
        llm: Who answers.
        fallback_llm: Who answers when `llm` fails before its first token; None when `llm` cannot fail.
        embeddings: Vectors for the query; None means lexical retrieval only.
        reranker: Puts what was found into order; None leaves the index's.
    """

    store: Store
    index: Index
    llm: LLM
    fallback_llm: LLM | None = None
    embeddings: Embeddings | None = None
    reranker: Reranker | None = None

    def parts(self) -> list[Part]:
        """Each part as reports show it, from memory."""
        used = (self.store, self.index, self.embeddings, self.reranker, self.llm)
        return [part.describe() for part in used if part is not None]

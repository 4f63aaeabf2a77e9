"""What the core needs from the world, in plain Python."""

from dataclasses import dataclass

from lectern.ports.conversations import Conversation, Conversations, Feedback
from lectern.ports.counters import Counters, Rate, Standing
from lectern.ports.embeddings import Embeddings, Vector
from lectern.ports.identity import MOST_CREDENTIAL_CHARACTERS, IdentitySource
from lectern.ports.index import Counts, Document, Hits, Index, IndexUpdate, Passage, Section, encode_route
from lectern.ports.llm import LLM, Completion, Finish, Message, Prompt, Role, Usage
from lectern.ports.part import Circuit, CircuitState, Part, State
from lectern.ports.rerank import Reranker
from lectern.ports.store import Outcome, Store, Turn

__all__ = [
    "LLM",
    "MOST_CREDENTIAL_CHARACTERS",
    "Circuit",
    "CircuitState",
    "Completion",
    "Conversation",
    "Conversations",
    "Counters",
    "Counts",
    "Document",
    "Embeddings",
    "Feedback",
    "Finish",
    "Hits",
    "IdentitySource",
    "Index",
    "IndexUpdate",
    "Message",
    "Outcome",
    "Part",
    "Passage",
    "Ports",
    "Prompt",
    "Rate",
    "Reranker",
    "Role",
    "Section",
    "Standing",
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
        reranker: Puts what was found into order; None leaves the index's.
        circuits: How the guarded parts go, as all workers know it together.
        conversations: What readers do with kept conversations; None where none are kept for a list.
        identities: Who may tell who somebody is, asked in this order; none means that all are visitors.
        counters: What limits and budgets are counted with; None means that there are none.
    """

    store: Store
    index: Index
    llm: LLM
    fallback_llms: tuple[LLM, ...] = ()
    embeddings: Embeddings | None = None
    reranker: Reranker | None = None
    circuits: tuple[Circuit, ...] = ()
    conversations: Conversations | None = None
    identities: tuple[IdentitySource, ...] = ()
    counters: Counters | None = None

    def parts(self) -> list[Part]:
        """Each part as reports show it, from memory."""
        used = (self.store, self.index, self.embeddings, self.reranker, self.llm, *self.identities)
        return [part.describe() for part in used if part is not None]

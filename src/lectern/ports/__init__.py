"""What the core needs from the world, in plain Python."""

from dataclasses import dataclass

from lectern.ports.accounts import Account, Accounts, Held, Login, Profile
from lectern.ports.api_keys import MOST_KEYS, ApiKey, ApiKeys
from lectern.ports.conversations import Conversation, Conversations, Feedback
from lectern.ports.counters import Counters, Standing
from lectern.ports.embeddings import Embeddings, Vector
from lectern.ports.identity import MOST_CREDENTIAL_CHARACTERS, IdentitySource
from lectern.ports.index import Counts, Document, Hits, Index, IndexUpdate, Page, Passage, Section, encode_route
from lectern.ports.journal import Journal, JournalHead, JournalPage, Wishes
from lectern.ports.llm import LLM, Completion, Finish, Message, Prompt, Role, Tool, ToolCall, Usage
from lectern.ports.part import Circuit, CircuitState, Part, State
from lectern.ports.records import DayUsage, Person, Rated, Records, Spent, Unanswered
from lectern.ports.rerank import Reranker
from lectern.ports.retention import Retention
from lectern.ports.rewrites import Claim, Rewrites
from lectern.ports.store import Outcome, Store, Turn
from lectern.ports.tasks import (
    Confirmation,
    Remembered,
    RememberedKind,
    Task,
    TaskChanges,
    Tasks,
    TaskStatus,
    TurnClaim,
)
from lectern.rate import Rate

__all__ = [
    "LLM",
    "MOST_CREDENTIAL_CHARACTERS",
    "MOST_KEYS",
    "Account",
    "Accounts",
    "ApiKey",
    "ApiKeys",
    "Circuit",
    "CircuitState",
    "Claim",
    "Completion",
    "Confirmation",
    "Conversation",
    "Conversations",
    "Counters",
    "Counts",
    "DayUsage",
    "Document",
    "Embeddings",
    "Feedback",
    "Finish",
    "Held",
    "Hits",
    "IdentitySource",
    "Index",
    "IndexUpdate",
    "Journal",
    "JournalHead",
    "JournalPage",
    "Login",
    "Message",
    "Outcome",
    "Page",
    "Part",
    "Passage",
    "Person",
    "Ports",
    "Profile",
    "Prompt",
    "Rate",
    "Rated",
    "Records",
    "Remembered",
    "RememberedKind",
    "Reranker",
    "Retention",
    "Rewrites",
    "Role",
    "Section",
    "Spent",
    "Standing",
    "State",
    "Store",
    "Task",
    "TaskChanges",
    "TaskStatus",
    "Tasks",
    "Tool",
    "ToolCall",
    "Turn",
    "TurnClaim",
    "Unanswered",
    "Usage",
    "Vector",
    "Wishes",
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
        accounts: Lectern's own accounts, and what people told of themselves; None where nothing of them is kept.
        identities: Who may tell who somebody is, asked in this order; none means that all are visitors.
        counters: What limits and budgets are counted with; None means that there are none.
        records: What operators ask of all that is kept; None where nobody may ask.
        retention: Deletes what is old; None where that is somebody else's.
        study_llm: Who rewrites chapters, behind a line of its own, so that chapters never wait in the way of chat; None
            where no model is configured.
        rewrites: What was rewritten already; None keeps nothing.
        tasks: Readers' tasks; None where none are kept.
        journal: Where turns under way are written down; None where a turn ends with its worker.
        api_keys: Keys of integrations; None where there are none.
    """

    store: Store
    index: Index
    llm: LLM
    fallback_llms: tuple[LLM, ...] = ()
    embeddings: Embeddings | None = None
    reranker: Reranker | None = None
    circuits: tuple[Circuit, ...] = ()
    conversations: Conversations | None = None
    accounts: Accounts | None = None
    identities: tuple[IdentitySource, ...] = ()
    counters: Counters | None = None
    records: Records | None = None
    retention: Retention | None = None
    study_llm: LLM | None = None
    rewrites: Rewrites | None = None
    tasks: Tasks | None = None
    journal: Journal | None = None
    api_keys: ApiKeys | None = None

    def parts(self) -> list[Part]:
        """Each part as reports show it, from memory; what counts limits only when there is something to say of it."""
        used = (self.store, self.index, self.embeddings, self.reranker, self.llm, *self.identities)
        parts = [part.describe() for part in used if part is not None]
        counting = self.counters.describe() if self.counters is not None else None
        return [*parts, counting] if counting is not None and counting.note else parts

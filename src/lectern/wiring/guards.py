"""Which remote part is called by which rules: the line and the circuit of each."""

from dataclasses import replace
from typing import TYPE_CHECKING

from lectern.adapters.guarded import (
    GuardedDatabase,
    GuardedEmbeddings,
    GuardedIndex,
    GuardedLLM,
    GuardedReranker,
)
from lectern.adapters.guarded_rewrites import GuardedRewrites
from lectern.config import Settings
from lectern.errors import IndexUnavailable, LecternError, StoreUnavailable, UpstreamUnavailable
from lectern.ports import LLM, Embeddings, Index, Reranker, Rewrites
from lectern.resilience.bulkhead import Bulkhead
from lectern.resilience.circuit import Circuit, Shared
from lectern.resilience.policy import Line
from lectern.resilience.window import Rules

if TYPE_CHECKING:
    from lectern.adapters.sql_database import Database

_DATABASE_OPEN_SECONDS = 3.0
_COUNTING_OPEN_SECONDS = 4.0


class Guards:
    """Puts remote ports behind their lines, and keeps the list of their circuits.

    Args:
        settings: Read from the environment.
        shared: What the workers tell each other; None when there is one process only.
    """

    def __init__(self, settings: Settings, shared: Shared | None) -> None:
        self.circuits: tuple[Circuit, ...] = ()
        self._settings = settings
        self._shared = shared
        self._rules = Rules(
            window=settings.breaker_window_seconds,
            minimum=settings.breaker_min_calls,
            failure_rate=settings.breaker_failure_rate,
            slow=settings.breaker_slow_seconds,
            consecutive=settings.breaker_failures,
            open=settings.breaker_open_seconds,
            most_open=settings.breaker_max_open_seconds,
            # Every call ends before that by its own limits; a permit that is still out then was lost.
            probe=settings.connect_timeout_seconds + settings.first_token_timeout_seconds + 5,
        )

    def llm(self, llm: LLM, *, part: str = "llm") -> LLM:
        """Guard a model; `part` names it among the circuits."""
        line = self._line(self._settings.llm_concurrency, UpstreamUnavailable, "language model")
        return GuardedLLM(llm, line, self._circuit(part, "answer"))

    def study_llm(self, llm: LLM | None) -> LLM | None:
        """Guard the model that rewrites chapters.

        Its line is its own, so that no chapter takes a place of a question or waits behind one. Who waits in it waits
        as long as the request lasts: the calls of a chapter are many and made at once.
        """
        if llm is None:
            return None
        settings = self._settings
        bulkhead = Bulkhead(
            settings.study_concurrency,
            queue=settings.study_queue_length,
            wait_seconds=settings.request_timeout_seconds,
        )
        line = Line(bulkhead, unavailable=UpstreamUnavailable, what="language model", retries=settings.retries)
        return GuardedLLM(llm, line, self._circuit("study_llm", "rewrite"))

    def embeddings(self, embeddings: Embeddings | None) -> Embeddings | None:
        """Guard a provider's embeddings; the model in this process needs none."""
        if embeddings is None or self._settings.embedder == "local":
            return embeddings
        line = self._line(self._settings.call_concurrency, UpstreamUnavailable, "embedding model")
        return GuardedEmbeddings(embeddings, line, self._circuit("embeddings", "embed"))

    def reranker(self, reranker: Reranker | None) -> Reranker | None:
        """Guard a reranker."""
        if reranker is None:
            return None
        line = self._line(self._settings.call_concurrency, UpstreamUnavailable, "reranker")
        return GuardedReranker(reranker, line, self._circuit("rerank", "rerank"))

    def index(self, index: Index) -> Index:
        """Guard an index that is not on this machine."""
        line = self._line(self._settings.call_concurrency, IndexUnavailable)
        return GuardedIndex(index, line, self._circuit("index", "search"))

    def database(self, database: "Database") -> "Database":
        """Guard a database that is not on this machine."""
        line = self._line(self._settings.call_concurrency, StoreUnavailable)
        # The outbox asks a database that is down every 5 s: a circuit open for longer would make it ask in vain.
        rules = replace(self._rules, most_open=min(self._rules.most_open, _DATABASE_OPEN_SECONDS))
        reads, writes = (self._circuit("database", operation, rules) for operation in ("read", "write"))
        return GuardedDatabase(database, line, reads=reads, writes=writes)

    def rewrites(self, rewrites: Rewrites, connections: int) -> Rewrites:
        """Leave half of the database's connections, so many at once, to all else."""
        return GuardedRewrites(rewrites, max(1, connections // 2))

    def counting(self) -> tuple[Line, Circuit]:
        """The way to a server that counts limits. Who waits for it has not been let in yet, so it is tried once."""
        # It takes SECONDS of redis_numbers at most, and it may have come back at any moment.
        rules = replace(self._rules, most_open=min(self._rules.most_open, _COUNTING_OPEN_SECONDS), probe=2)
        line = Line(None, unavailable=UpstreamUnavailable, what="counting of limits", retries=0)
        return line, self._circuit("limits", "count", rules)

    def _circuit(self, part: str, operation: str, rules: Rules | None = None) -> Circuit:
        circuit = Circuit(part, operation, rules or self._rules, shared=self._shared)
        self.circuits += (circuit,)
        return circuit

    def _line(self, most: int, unavailable: type[LecternError], what: str | None = None) -> Line:
        settings = self._settings
        bulkhead = Bulkhead(most, queue=settings.queue_length, wait_seconds=settings.queue_seconds)
        return Line(bulkhead, unavailable=unavailable, what=what, retries=settings.retries)

"""Each remote port behind its line: breaker, bulkhead, deadline, retries. The one place where they meet an adapter.

A port that is guarded is that port: it promises what `lectern.ports` says, and fails in the same ways, only sooner.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVar

from lectern.errors import LecternError, StoreUnavailable, TooBusy, UpstreamUnavailable
from lectern.ports import (
    LLM,
    Completion,
    Document,
    Embeddings,
    Hits,
    Index,
    IndexUpdate,
    Page,
    Part,
    Prompt,
    Reranker,
    Vector,
)
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line, judge

if TYPE_CHECKING:  # SQLAlchemy takes 0.3 s to import; who guards a database has it
    from sqlalchemy import Connection

    from lectern.adapters.sql_database import Database

Result = TypeVar("Result")

EMPTY = "The language model sent an empty answer."


class GuardedLLM:
    """A language model behind its line. A stream is tried again only before its first token."""

    def __init__(self, llm: LLM, line: Line, circuit: Circuit) -> None:
        self._llm, self._line, self._circuit = llm, line, circuit

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """As `LLM.stream`. The circuit has two verdicts of it: at its first token, and at its end.

        An answer may have no text when it asks for tools; its first token is one of a call.
        """
        circuit = self._circuit
        async with self._line.bulkhead:
            number, spoke = 0, False
            while True:
                attempt = self._line.begin(circuit, number)
                item: str | Completion = ""
                try:
                    async with aclosing(self._llm.stream(prompt)) as items:
                        item = await anext(items, Completion())
                        if isinstance(item, Completion) and not item.tool_calls:
                            raise UpstreamUnavailable(EMPTY)
                        circuit.first(attempt.permit)
                        spoke = True
                        if item != "":  # a call has begun: that is for the circuit only
                            yield item
                        async for item in items:
                            yield item
                except LecternError as error:
                    if spoke:
                        judge(attempt, error)
                        raise
                    if not await self._line.again(attempt, error):
                        raise
                else:
                    return
                finally:
                    if spoke and isinstance(item, Completion):
                        circuit.succeeded(attempt.permit)
                    circuit.released(attempt.permit)  # unless it has its verdict
                number += 1

    def describe(self) -> Part:
        """The model, as all workers know it together."""
        return known(self._llm.describe(), self._circuit)

    async def warm(self) -> None:
        """As the model's own; costs nothing at a provider, so nothing is guarded."""
        await self._llm.warm()

    async def close(self) -> None:
        """As the model's own."""
        await self._llm.close()


class GuardedEmbeddings:
    """An embedding model behind its line."""

    def __init__(self, embeddings: Embeddings, line: Line, circuit: Circuit) -> None:
        self._embeddings, self._line, self._circuit = embeddings, line, circuit

    @property
    def model(self) -> str:
        """The model's name."""
        return self._embeddings.model

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """As `Embeddings.embed`."""
        return await self._line.call(self._circuit, lambda: self._embeddings.embed(texts, purpose=purpose))

    def describe(self) -> Part:
        """The model, as all workers know it together."""
        return known(self._embeddings.describe(), self._circuit)

    async def warm(self) -> None:
        """As the model's own; costs nothing at a provider, so nothing is guarded."""
        await self._embeddings.warm()

    async def close(self) -> None:
        """As the model's own."""
        await self._embeddings.close()


class GuardedReranker:
    """A reranker behind its line."""

    def __init__(self, reranker: Reranker, line: Line, circuit: Circuit) -> None:
        self._reranker, self._line, self._circuit = reranker, line, circuit

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """As `Reranker.rerank`."""
        return await self._line.call(self._circuit, lambda: self._reranker.rerank(query, texts))

    def describe(self) -> Part:
        """The model, as all workers know it together."""
        return known(self._reranker.describe(), self._circuit)

    async def warm(self) -> None:
        """As the model's own; costs nothing at a provider, so nothing is guarded."""
        await self._reranker.warm()

    async def close(self) -> None:
        """As the model's own."""
        await self._reranker.close()


class GuardedIndex:
    """A remote index behind its line. An update is a long talk of an ingest, which has its own patience: unguarded."""

    def __init__(self, index: Index, line: Line, circuit: Circuit) -> None:
        self._index, self._line, self._circuit = index, line, circuit

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """As `Index.search`."""
        return await self._line.call(
            self._circuit, lambda: self._index.search(query, vector=vector, limit=limit, site=site)
        )

    async def document(self, site: str, route: str) -> Document | None:
        """As `Index.document`."""
        return await self._line.call(self._circuit, lambda: self._index.document(site, route))

    async def sites(self) -> dict[str, int]:
        """As `Index.sites`."""
        return await self._line.call(self._circuit, self._index.sites)

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """As `Index.pages`."""
        return await self._line.call(self._circuit, lambda: self._index.pages(site))

    def update(self, site: str) -> AbstractAsyncContextManager[IndexUpdate]:
        """As `Index.update`."""
        return self._index.update(site)

    def describe(self) -> Part:
        """The index, as all workers know it together."""
        return known(self._index.describe(), self._circuit)

    async def warm(self) -> None:
        """As the index's own."""
        await self._line.call(self._circuit, self._index.warm)

    async def close(self) -> None:
        """As the index's own."""
        await self._index.close()


class GuardedDatabase:
    """A database behind its line; reading and writing are known apart, as a full disk stops only one of them."""

    def __init__(self, database: "Database", line: Line, *, reads: Circuit, writes: Circuit) -> None:
        self._database, self._line = database, line
        self._reads, self._writes = reads, writes

    @property
    def dialect(self) -> str:
        """As the database's own."""
        return self._database.dialect

    async def run(
        self, work: "Callable[[Connection], Result]", *, writes: bool = False, again: bool = False, hint: str = ""
    ) -> Result:
        """As `Database.run`."""
        return await self._call(
            self._writes if writes else self._reads,
            lambda: self._database.run(work, writes=writes, again=again, hint=hint),
        )

    def describe(self) -> Part:
        """The database, as all workers know it together."""
        return known(self._database.describe(), self._reads, self._writes)

    def forget_connections(self) -> None:
        """As the database's own."""
        self._database.forget_connections()

    async def warm(self) -> None:
        """As the database's own."""
        await self._call(self._reads, self._database.warm)

    async def close(self) -> None:
        """As the database's own."""
        await self._database.close()

    async def _call(self, circuit: Circuit, work: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await self._line.call(circuit, work)
        except TooBusy as error:  # the answer stands without it, as without a database that is down
            raise StoreUnavailable(retry_after_seconds=error.retry_after_seconds) from error


def known(part: Part, *circuits: Circuit) -> Part:
    """A part as this worker saw it last, corrected by what its siblings found out of its operations."""
    states = [circuit.describe() for circuit in circuits]
    bad = next((state for state in states if not state.well), None)
    if bad is None:
        if part.state != "down" or all(state.changed_seconds_ago is None for state in states):
            return part
        return replace(part, state="ok", note="")  # a sibling's success is later than this worker's failure
    if part.state == "down":
        return part
    if bad.rejected:
        note = "refused the last request; another worker's log says why"
    elif bad.state == "closed":
        note = "failed in another worker"
    else:
        note = f"the circuit is {bad.state.replace('_', ' ')}"
    return replace(part, state="down", note=note)

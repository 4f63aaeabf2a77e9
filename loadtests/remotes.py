"""Every remote part that Lectern can be configured with, as processes of their own, and a Lectern that uses them all.

Postgres is the real server and Qdrant the real engine behind its REST calls, both as the tests start them; the language
model, the embeddings and Cohere's ranking are the stub.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg2

from loadtests import services
from loadtests.services import ROOT, Service, started

RERANK_MODEL: Final = "stub-tagrank"
"""The name under which the stub is asked to rank, so that its calls are counted apart."""

OBSERVER: Final = "loadtests"
"""What connections of the load tests call themselves; Lectern's call themselves otherwise."""

_POSTGRES = re.compile(r"^(postgresql\S+)", re.MULTILINE)
_QDRANT = re.compile(r"^(http://\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Everything:
    """A running Lectern and what it leans on."""

    lectern: Service
    stub: Service
    postgres: Service
    qdrant: Service


@contextmanager
def postgres() -> Iterator[Service]:
    """A PostgreSQL server on a free port; `url` is a database of it, as SQLAlchemy wants it."""
    with started([sys.executable, "-m", "tests.database_servers"], _POSTGRES) as service:
        yield service


@contextmanager
def qdrant() -> Iterator[Service]:
    """Qdrant's engine behind its REST calls, on a free port."""
    with started([sys.executable, "-m", "tests.qdrant_server"], _QDRANT) as service:
        yield service


@contextmanager
def everything(model: str, **env: str) -> Iterator[Everything]:
    """Lectern with every remote: language model, embeddings, ranking, Postgres with its schema, Qdrant."""
    with services.stub() as stub, postgres() as database, qdrant() as index:
        remotes = {"DATABASE_URL": database.url, "QDRANT_URL": index.url}
        migrate = ["./entrypoint.sh", "migrate"]
        subprocess.run(migrate, cwd=ROOT, env=os.environ | remotes, check=True, capture_output=True)  # noqa: S603 - ours
        remotes |= {"COHERE_API_KEY": "co-load", "COHERE_BASE_URL": stub.url.removesuffix("/v1")}
        remotes |= {"COHERE_RERANK_MODEL": RERANK_MODEL}
        with services.lectern(stub.url, model, **remotes | env) as lectern:
            yield Everything(lectern, stub, database, index)


def query(database: Service, statement: str) -> list[tuple[Any, ...]]:
    """The rows of one statement, on a connection of its own."""
    address = database.url.replace("postgresql+psycopg2://", "postgresql://", 1)
    with closing(psycopg2.connect(address, application_name=OBSERVER)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()

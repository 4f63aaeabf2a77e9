"""What a Postgres was sent, by its own log: only of databases that are told to log their statements."""

import re
from collections import Counter

from tests.database_servers import Postgres


def sent(postgres: Postgres, since: int = 0) -> tuple[Counter[str], int]:
    """The first words of all statements in the server's log since this place, and its end."""
    log = postgres._log.read_text()
    return Counter(re.findall(r"LOG:  statement: (\w+)", log[since:])), len(log)

"""Whether a database's schema is the one that this code wants, as a finding."""

from lectern.adapters.sql_schema import HEAD, MIGRATE, complaint
from lectern.ops.findings import Finding, State


def schema_finding(found: str | None, *, none: State) -> Finding:
    """The finding.

    Args:
        found: The revision the database is at; None for no schema.
        none: How bad no schema is: nothing of note for a file that a start makes.
    """
    wrong = complaint(found)
    if wrong is None:
        return Finding("schema", "ok", f"{HEAD}, the newest")
    if found is not None and found > HEAD:
        return Finding("schema", "fail", wrong.partition(";")[0], "Start the newer Lectern.")
    state = none if found is None else "warn"
    return Finding("schema", state, wrong.partition(";")[0], f"A start makes it; without one, {MIGRATE}.")

"""Which schema this code wants, known without importing SQLAlchemy or Alembic, and what to say when it is another."""

HEAD = "0004"
"""The newest revision in `migrations/versions`."""

MIGRATE = "run ./entrypoint.sh migrate"
"""What brings a database to `HEAD`."""


def complaint(found: str | None) -> str | None:
    """What is wrong with a database at revision `found` (None: it has no schema), or None when it is at `HEAD`."""
    if found == HEAD:
        return None
    if found is None:
        return f"it has no schema yet; {MIGRATE}"
    if found < HEAD:
        return f"its schema is {found}, this Lectern wants {HEAD}; {MIGRATE}"
    return f"its schema is {found}, newer than the {HEAD} this Lectern knows; start the newer Lectern instead"

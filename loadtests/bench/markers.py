"""The parts of a document that a program writes: they stand between `<!-- name -->` and `<!-- /name -->`."""

from pathlib import Path


class MarkersError(Exception):
    """A document without its markers; the message says which, in one line."""


def between(document: Path, name: str, text: str) -> None:
    """Put a text in the place of what stands between a document's markers.

    Raises:
        MarkersError: The document is not there, or has not each marker once, in their order.
    """
    try:
        content = document.read_text(encoding="utf-8")
    except OSError as error:
        raise MarkersError(f"{document}: {error.strerror}") from error
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, found, rest = content.partition(opening)
    _, ended, tail = rest.partition(closing)
    if not found or not ended or opening in rest or closing in head + tail:
        raise MarkersError(f"{document}: wants {opening} and {closing}, each once, in this order")
    document.write_text(f"{head}{opening}\n{text}\n{closing}{tail}", encoding="utf-8")

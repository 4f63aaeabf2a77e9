"""Texts of readers in bodies: what no reader types and no database keeps is refused."""

from typing import Annotated

from pydantic import AfterValidator


def readable(text: str) -> str:
    """The text without blanks around it.

    Raises:
        ValueError: It has a NUL or half a character in it.
    """
    if "\x00" in text:
        msg = "must not contain NUL characters"
        raise ValueError(msg)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        msg = "must not contain half a character (a lone surrogate)"
        raise ValueError(msg)
    return text.strip()


Text = Annotated[str, AfterValidator(readable)]

"""Texts of readers in bodies: what no reader types and no database keeps is refused."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field


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


def not_blank(text: str) -> str:
    """The text.

    Raises:
        ValueError: There is nothing in it but blanks.
    """
    if not text.strip():
        msg = "must not be empty"
        raise ValueError(msg)
    return text


SAYS_SOMETHING: Final = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
"""What a text that is neither empty nor blank looks like, for OpenAPI."""

_NO_NUL = r"^[^\u0000]*$"
Text = Annotated[str, AfterValidator(readable), Field(json_schema_extra={"pattern": _NO_NUL})]
SomeText = Annotated[Text, AfterValidator(not_blank), Field(json_schema_extra={"pattern": SAYS_SOMETHING})]

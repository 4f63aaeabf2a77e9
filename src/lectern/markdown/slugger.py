"""Heading anchors as Docusaurus makes them: github-slugger's rules and the two ways to write an id by hand."""

import re
import unicodedata
from collections.abc import Iterator

# Circled and squared letters are symbols by category and alphabetic by property; github-slugger goes by the property.
_ALPHABETIC_SYMBOLS = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
_MAX_ID = 200
_CLASSIC_ID = re.compile(r"\s*\{#(?P<id>(?:.(?!\{#|\}))*.)\}$")
_ATTRIBUTE_LIST = re.compile(r"\s*\{:?\s*(?P<attributes>(?:[#.][\w:.-]+|[\w-]+=(?:\"[^\"{}]*\"|[^\s\"{}]+))"
                             r"(?:\s+(?:[#.][\w:.-]+|[\w-]+=(?:\"[^\"{}]*\"|[^\s\"{}]+)))*)\s*\}$")  # fmt: skip


def slugify(text: str) -> str:
    """Lower-case a heading, drop what is neither letter, digit, `_`, `-` nor space, and turn spaces into hyphens."""
    return "".join(_kept(text.lower())).replace(" ", "-")


def _kept(text: str) -> Iterator[str]:
    """The characters that github-slugger keeps: letters, marks, decimal digits, letter-like numbers, connectors."""
    for char in text:
        category = unicodedata.category(char)
        if char in "- " or category[0] in "LM" or char.isdecimal() or category in {"Nl", "Pc"} or _is_alphabetic(char):
            yield char


def _is_alphabetic(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _ALPHABETIC_SYMBOLS)


def split_explicit_id(text: str) -> tuple[str, str | None]:
    """Separate a heading's text from an id written at its end.

    `{#id}` is Docusaurus's classic form; `{: #id .class }` and `{ #id .class }` are Python-Markdown's, where a list
    without an id is dropped as well.

    Returns:
        The text without the id, and the id or None.
    """
    if not text.endswith("}"):
        return text, None
    # An id is short; looking at the end only keeps a hostile heading cheap.
    start = max(0, len(text) - _MAX_ID)
    if classic := _CLASSIC_ID.search(text, start):
        return text[: classic.start()], classic["id"].strip()
    if listed := _ATTRIBUTE_LIST.search(text, start):
        ids = [word[1:] for word in listed["attributes"].split() if word.startswith("#")]
        return text[: listed.start()], ids[-1] if ids else None
    return text, None


def comment_id(comment: str) -> str | None:
    """The id in the body of an MDX comment such as `{/* #id */}`, or None when it carries none."""
    first = comment.strip().split(" ")[0]
    return first[1:] or None if first.startswith("#") else None


class Slugger:
    """Gives each heading of one page an anchor of its own; repeated ones end in `-1`, `-2`."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def slug(self, text: str) -> str:
        """Return an anchor that this slugger has not returned before."""
        base = anchor = slugify(text)
        while anchor in self._seen:
            self._seen[base] += 1
            anchor = f"{base}-{self._seen[base]}"
        self._seen[anchor] = 0
        return anchor

"""A stand-in for a model that does as it is asked: each word becomes an Urdu one, placeholders stay where they are."""

import re

_PARTS = re.compile(r"</?[xg]\d+/?>|&(?:lt|amp);|[^\W\d_]+")
_WORDS = ("کتاب", "سیکھنا", "حالت", "یہ", "ہے", "اور", "میں", "دکان")


def in_urdu(text: str) -> str:
    """Replace each word of a segment's text."""
    return _PARTS.sub(lambda part: part[0] if part[0][0] in "<&" else _WORDS[len(part[0]) % len(_WORDS)], text)

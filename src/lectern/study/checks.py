"""Whether what a model made of a segment may stand in its place. Pure.

A page is only ever given text: what the model adds beside text (tags, links, code, marks of Markdown, a line that
begins a block) is refused, and so is what cannot be the same text in the wanted language. Whether the placeholders are
complete is the cutter's to say.

Where numbers stand here, they were measured over the 29,882 pairs of an English text and its translation that come with
Django 5.2, in 37 languages of 18 scripts, written and reviewed by people. 178 of them (0.6 %) are refused here; three
quarters of these lack the full stop of their original, and most others are still in English.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from lectern.study.languages import Language
from lectern.study.scripts import alphabets_of, main_alphabets, share, words_of

ADVICE: Final[Mapping[str, str]] = {
    "missing": "it was left out, or stood at another place than in the order given",
    "cut_off": "its end was missing",
    "empty": "there was nothing in it",
    "missing_placeholder": "a tag like <x1/> or <g2> of the original was not in it",
    "extra_placeholder": "it had a tag that the original has not, or has once only",
    "unbalanced": "a tag like <g2> was not closed, or closed at another place than where it has to be",
    "moved_placeholder": "a tag stood inside or outside of another one, other than in the original",
    "empty_pair": "there was no text between a tag like <g2> and its end",
    "markup": "it had marks or tags that the original has not",
    "structure": "in its place on the page it would be read as something else than text",
    "html_added": "it had a tag or a brace that the original has not",
    "link_added": "it had a link, an image or an address that the original has not",
    "code_added": "it had code that the original has not marked as code",
    "markup_added": "it had marks of Markdown that the original has not",
    "structure_added": "it began a heading, a list, a quote or a paragraph that the original has not",
    "control_characters": "it had control characters",
    "preamble": "it had words about the task; only the rewritten text may stand in a segment",
    "length": "it was far too long or far too short to say the same",
    "wrong_language": "it was not in the wanted language and script",
}
"""Each reason for which a segment is refused, and what the model is told of it."""

PLACEHOLDER: Final = re.compile(r"</?g\d+>|<x\d+/>")
_THING: Final = "\ufffc"
"""What a placeholder is here: neither a letter nor a blank, and no sign of Markdown."""

_COUNTED: Final = (
    ("control_characters", re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")),
    ("html_added", re.compile(r"[<{}]")),
    ("code_added", re.compile(r"`")),
    ("link_added", re.compile(r"\[|://|\bwww\.|\b(?:javascript|vbscript|mailto|data):(?=\S)", re.IGNORECASE)),
    ("markup_added", re.compile(r"[*$|\\]|~~|(?<!\w)_|_(?!\w)")),
    (
        "structure_added",
        re.compile(
            r"\n[ \t]*\n|^[ \t]*(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|\d{1,9}[.)](?=\s|$)|>|:(?=\s)|:::|~~~|!!!|\?\?\?"
            r"|={3}|[=-]+[ \t]*$|___|(?:import|export)\s)",
            re.MULTILINE,
        ),
    ),
)
"""What a text may have as often as its original, and no oftener. Of the control characters, some turn the direction of
what follows, so that a page says another thing than its source; the marks and joiners that Persian or Urdu are written
with are not among them."""

_JOINED: Final = (("link_added", re.compile(r"!(?=<[gx])|(?<=>)[(\[]|^<g\d.*</g\d+>:", re.MULTILINE)),)
"""The same, of signs that would make another thing of a placeholder beside them: an image of a link, a link of text in
brackets, a definition of a reference."""

_PREAMBLE: Final = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok)\b[!,.:]"
    r"|here(?:['’]s| is| are)\b.{0,60}\b(?:translat|version|rewrit|adapt|segment)"
    r"|(?:the )?(?:translation|translated (?:text|version)|rewritten text)\b.{0,40}:"
    r"|as an ai\b|i(?:['’]m| am) (?:sorry|unable)|i (?:cannot|can['’]t|apologi[sz]e)|please (?:provide|note that i)",
    re.IGNORECASE,
)
_LONGEST, _LONGEST_MORE = 3, 60
_SHORTEST, _SHORTEST_DENSE, _SHORTEST_LESS = 0.3, 0.15, 15
"""Characters of a rewritten text: at most three times its original's and 60, at least 0.3 of them (0.15 where a letter
is a syllable or a word) less 15. All of the measured pairs lie within."""

_DENSE: Final = frozenset({"CJK", "HANGUL", "HIRAGANA", "KATAKANA"})

_SENTENCE: Final = 40
"""A text of so many characters is a sentence; a shorter one may be a caption, which needs no full stop."""

_WITHOUT_FULL_STOPS: Final = frozenset({"THAI", "LAO", "KHMER"})

_KEPT_WORDS: Final = 3
"""So many words may be a name, which stays as it is in every language: "React Redux Toolkit"."""

_NEW_LETTERS: Final = 0.6
"""Share of the wanted script in words that the original has not; 99 of 100 measured texts have more."""

_ORDINAL: Final = 2
"""So many letters are not looked at: endings of numbers, units."""

_ALL_LETTERS: Final = 0.1
"""The same in all words of more than a name, as names and terms stay in their own script."""

_COPIED: Final = 0.8
_COPIED_WORDS: Final = 8
"""Where both are in Latin letters: a translation shares fewer of its words with its original. Of the measured texts 99
of 100 share less than 0.67."""

_AKIN: Final = 0.1
_AKIN_WORDS: Final = 12
"""Adapted text is in the language of its original, so that it shares "the", "is" and its subject with it."""


def tidied(rewritten: str) -> str:
    """A rewritten text on one line, as its original is."""
    return " ".join(line for line in map(str.strip, rewritten.split("\n")) if line)


def fault(original: str, rewritten: str, language: Language | None) -> str | None:
    """Why a rewritten text may not stand for its original, a key of `ADVICE`; None when it may.

    Args:
        original: A segment with placeholders, on one line.
        rewritten: What was made of it, before it is `tidied`. Both are written as in XML, with `&lt;` for a `<`.
        language: What it has to be written in; None for its own.
    """
    rewritten = rewritten.strip().replace("\r\n", "\n")
    before, after = _read(original), _read(rewritten)
    if not after:
        return "empty"
    if _PREAMBLE.match(after.lstrip(" \"'*#")) and not _PREAMBLE.match(before.lstrip()):
        return "preamble"
    alphabets = alphabets_of(language.script) if language else main_alphabets(before)
    return (
        _added(before, after, _COUNTED)
        or _added(original, rewritten, _JOINED)
        or _misfit(before.strip(), after, alphabets)
        or _foreign(before, after, alphabets, translated=language)
    )


def _read(text: str) -> str:
    """The text as it is read: entities are their signs, and each placeholder is one sign of no meaning."""
    return PLACEHOLDER.sub(_THING, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _added(before: str, after: str, counted: Iterable[tuple[str, re.Pattern[str]]]) -> str | None:
    """Whether there is more of something than there was."""
    return next((reason for reason, sign in counted if len(sign.findall(after)) > len(sign.findall(before))), None)


def _misfit(before: str, after: str, alphabets: tuple[str, ...]) -> str | None:
    """Whether the text is too long, too short, or without its end."""
    shortest = _SHORTEST if _DENSE.isdisjoint(alphabets) else _SHORTEST_DENSE
    if not len(before) * shortest - _SHORTEST_LESS <= len(after) <= len(before) * _LONGEST + _LONGEST_MORE:
        return "length"
    if len(before) < _SENTENCE or unicodedata.category(before[-1])[0] != "P":
        return None
    if unicodedata.category(after[-1])[0] not in "LMN" or not _WITHOUT_FULL_STOPS.isdisjoint(alphabets):
        return None  # it ends with a sign as well, whichever its script has, or with what a placeholder stands for
    return "cut_off"


def _foreign(before: str, after: str, alphabets: tuple[str, ...], *, translated: Language | None) -> str | None:
    """Whether the text is in another language than the wanted one, as far as letters and words tell."""
    old, words = words_of(before), words_of(after)
    known = frozenset(old)
    of_new, new_letters = share((word for word in words if word not in known), alphabets)
    common = sum(word in known for word in words)
    foreign = new_letters > _ORDINAL and of_new < _NEW_LETTERS
    if translated is None:
        foreign |= len(words) >= _AKIN_WORDS and common < len(words) * _AKIN
    elif len(old) > _KEPT_WORDS:
        foreign |= share(words, alphabets)[0] < _ALL_LETTERS
        if translated.script == "Latn":
            foreign |= words == old or (len(words) >= _COPIED_WORDS and common > len(words) * _COPIED)
    return "wrong_language" if foreign else None

"""How the stub rewrites pieces of a chapter: the blocks of the last user message, each with its text changed.

A block is `<segment id="3">…</segment>`; what stands in it for code, links and the like (`<x1/>`, `<g1>…</g1>`) keeps
its place. The first of the words *translate*, *adapt* and *rewrite* in the system message decides what happens to the
rest: translated, each word is written with Urdu letters, whatever the language; else, the first one is followed by
*, simply said,*.
"""

import re
from collections.abc import Sequence
from typing import Any

from loadtests.stub_model import Behaviour

_BLOCK = re.compile(r'<segment id="(\d+)">(.*?)</segment>', re.DOTALL)
_PLACEHOLDER = re.compile(r"(</?[a-z]\d+/?>)")
_TASK = re.compile(r"translat|adapt|rewrit", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\s*\S+|\s+$")
_URDU = str.maketrans(dict(zip("abcdefghijklmnopqrstuvwxyz", "ابچدیفگہےجکلمنوپقرسٹعوءخئز", strict=True)))


def asks_to_rewrite(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether the last user message has blocks."""
    return '<segment id="' in last_user_text(messages)


def rewritten(messages: Sequence[dict[str, Any]], behaviour: Behaviour) -> list[str]:
    """The tokens of an answer with the same blocks: a word each, with the blanks before it."""
    system = " ".join(str(message.get("content")) for message in messages if message.get("role") != "user")
    task = _TASK.search(system)
    translate = task is None or task[0].lower() == "translat"
    blocks = _BLOCK.findall(last_user_text(messages))
    if "lose" in behaviour.flags:
        blocks = blocks[:-1]
    texts = (f'<segment id="{number}">{_changed(text, behaviour, translate)}</segment>' for number, text in blocks)
    return _TOKEN.findall("\n".join(texts))


def last_user_text(messages: Sequence[dict[str, Any]]) -> str:
    """What the user said last; empty when that is no text."""
    said = [message.get("content") for message in messages if message.get("role") == "user"]
    return said[-1] if said and isinstance(said[-1], str) else ""


def _changed(text: str, behaviour: Behaviour, translate: bool) -> str:  # noqa: FBT001 - one of two things
    parts = _PLACEHOLDER.split(text)  # every second one is a placeholder
    if "drop" in behaviour.flags and len(parts) > 1:
        parts[1] = ""
    if "same" in behaviour.flags:
        return "".join(parts)
    if translate:
        parts[::2] = [_WORD.sub(lambda word: word[0].lower().translate(_URDU), part) for part in parts[::2]]
        return "".join(parts)
    first = next((place for place in range(0, len(parts), 2) if _WORD.search(parts[place])), None)
    if first is not None:
        parts[first] = _WORD.sub(lambda word: f"{word[0]}, simply said,", parts[first], count=1)
    return "".join(parts)

"""Asking first: how it is asked, and what is a yes or a no. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from lectern.tasks.titles import words
from lectern.tasks.tools import Prepared, ToolUse

Verdict = Literal["yes", "no"]

_YES: Final = (
    "yes|yeah|yep|yup|sure|ok|okay|confirm|confirmed|do it|go ahead|proceed|of course|absolutely|affirmative|correct|"
    "right|ja|jawohl|jo|klar|oui|ouais|d'accord|si|sí|vale|claro|sim|certo|va bene|ano|áno|igen|da|да|так|evet|tamam|"
    "haan|han|haanji|haan ji|ji haan|ji|theek hai|bilkul|हाँ|हां|जी|जी हाँ|ठीक है|"
    "ہاں|ہاں جی|جی|جی ہاں|ٹھیک ہے|بالکل|نعم|أجل|ايوه|أيوه|موافق|تمام|بله|آره|כן|হ্যাঁ|ஆம்|ya|iya|vâng|có|ใช่|"
    "是|是的|好|好的|对|確認|确认|可以|はい|うん|ええ|お願いします|네|예|응|y"
)
_NO: Final = (
    "no|nope|nah|never|don't|do not|cancel|stop|abort|never mind|nevermind|leave it|leave them|not now|no way|negative|"
    "nein|nee|non|não|nej|nie|ne|нет|ні|не надо|hayır|vazgeç|nahi|nahin|mat karo|rehne do|"  # noqa: RUF001 - Turkish
    "नहीं|मत करो|रहने दो|"
    "نہیں|نہ|جی نہیں|مت کرو|رہنے دو|لا|كلا|نه|نخیر|לא|না|இல்லை|tidak|jangan|không|ไม่|"
    "不|不是|不要|不用|否|取消|いいえ|いや|やめて|아니|아니요|아뇨|취소|n"
)
_POLITE: Final = (
    "please|thanks|thank you|thx|it|that|them|bitte|danke|merci|s'il vous plaît|por favor|gracias|"
    "obrigado|obrigada|grazie|per favore|пожалуйста|спасибо|lütfen|teşekkürler|shukriya|meherbani|شکریہ|مہربانی|"
    "براہ کرم|شكرا|من فضلك|धन्यवाद|कृपया|ji|جی|जी|but thanks|then|请|謝謝|谢谢|ありがとう|お願い"
)
_MOST_CHARACTERS: Final = 60
"""A longer message says more than yes or no."""


def _sayings(told: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words(saying)) for saying in told.split("|"))


_MEANT: Final[tuple[tuple[Verdict | None, frozenset[tuple[str, ...]]], ...]] = (
    ("no", _sayings(_NO)),
    ("yes", _sayings(_YES)),
    (None, _sayings(_POLITE)),
)
_SIGNS: Final[Mapping[str, Verdict]] = {"👍": "yes", "✅": "yes", "👌": "yes", "👎": "no", "❌": "no", "🚫": "no"}


def verdict(message: str) -> Verdict | None:
    """Whether a message is a yes or a no, and nothing else; None for all that says more, or both."""
    message = message.strip()
    if len(message) > _MOST_CHARACTERS:
        return None
    if (sign := message.rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")) in _SIGNS:
        return _SIGNS[sign]
    if message.rstrip("".join(_QUESTION_MARKS)) != message:
        return None
    said = tuple(words(message))
    meanings: set[Verdict | None] = set()
    while said:
        length, meaning = max(((_length(said, sayings), meaning) for meaning, sayings in _MEANT), key=lambda it: it[0])
        if not length:
            return None
        meanings.add(meaning)
        said = said[length:]
    meanings.discard(None)
    return meanings.pop() if len(meanings) == 1 else None


def question_of(held: Iterable[Prepared]) -> str:
    """What would be done, as a question that names every task."""
    lines = [_would(prepared) for prepared in held]
    if len(lines) == 1:
        return f"Shall I {lines[0]}? Please answer yes or no."
    return "\n".join([f"Shall I do these {len(lines)} things?", "", *(f"- {line}" for line in lines), "", _ANSWER])


def kept(prepared: Prepared) -> dict[str, Any]:
    """A call as it is kept until the reader answers, with the title that was named in the question."""
    use = prepared.use
    title = prepared.task.title if prepared.task else None
    return {"tool_name": use.name, "parameters": dict(use.arguments), "title": title}


def use_of(call: Mapping[str, Any]) -> ToolUse:
    """The call that was kept."""
    return ToolUse(call["tool_name"], call["parameters"])


def is_still_meant(call: Mapping[str, Any], prepared: Prepared) -> bool:
    """Whether a task is still called as it was when the reader was asked; or so already as it is to be called."""
    if prepared.task is None:
        return True
    return prepared.task.title in {call["title"], call["parameters"].get("title")}


def _length(said: tuple[str, ...], sayings: frozenset[tuple[str, ...]]) -> int:
    """How many of the first words are one of these sayings; the longest counts."""
    return max((size for size in range(1, len(said) + 1) if said[:size] in sayings), default=0)


def _would(prepared: Prepared) -> str:
    use, task = prepared.use, prepared.task
    told = use.arguments
    if task is None:
        due = f", due {told['due_date']}" if told.get("due_date") else ""
        more = f", described as “{told['description']}”" if told.get("description") else ""
        return f"add the task “{told['title']}”{due}{more}"
    which = f"#{task.id} “{task.title}”"
    if use.name == "delete_task":
        return f"delete {which} for good"
    if use.name == "complete_task":
        return f"mark {which} as done"
    changes = [f"{_FIELDS[name]} “{value}”" if value else f"no {_FIELDS[name]}" for name, value in _changed(told)]
    return f"change {which} to have {' and '.join(changes)}"


def _changed(told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in told.items() if name in _FIELDS]


_ANSWER: Final = "Please answer yes or no."
_QUESTION_MARKS: Final = "?؟？"  # noqa: RUF001 - full-width marks ask too
_FIELDS: Final = {"title": "title", "description": "description", "due_date": "due date", "status": "status"}

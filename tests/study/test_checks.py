# ruff: noqa: RUF001 - texts of many scripts

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lectern.study.checks import ADVICE, PLACEHOLDER, fault, tidied
from lectern.study.languages import Language, find_language


def language(code: str) -> Language:
    """A language of the table."""
    found = find_language(code)
    assert found is not None
    return found


UR, ES, EN, JA, ZH, TH = (language(code) for code in ("ur", "es", "en", "ja", "zh", "th"))
SENTENCE = "A reducer is a pure function that takes the state and an action."
URDU = "ریڈیوسر ایک خالص فنکشن ہے جو اسٹیٹ اور ایک ایکشن لیتا ہے۔"
SPANISH = "Un reductor es una función pura que recibe el estado y una acción."
JAPANESE = "リデューサーは、状態とアクションを受け取る純粋な関数です。"


@pytest.mark.parametrize(
    ("original", "rewritten", "wanted"),
    [
        (SENTENCE, URDU, UR),
        (SENTENCE, SPANISH, ES),
        (SENTENCE, JAPANESE, JA),
        (SENTENCE, "reducer 是一个纯函数，它接收 state 和 action。", ZH),
        (SENTENCE, "รีดิวเซอร์เป็นฟังก์ชันบริสุทธิ์ที่รับสถานะและแอ็กชัน", TH),
        (URDU, SENTENCE, EN),
        (SENTENCE, "\r\n" + URDU.replace(" ", "\r\n", 1) + " \n", UR),
        ("Redux Toolkit", "Redux Toolkit", UR),
        ("FAQ", "FAQ", ES),
        ("Installation", "Installation", language("fr")),
        ("Use <x1/> and <x2/>.", "<x1/> اور <x2/> استعمال کریں۔", UR),
        ("The React Redux Hooks API with Redux Toolkit", "Redux Toolkit کے ساتھ React Redux Hooks API", UR),
        ("Version 5.0 (2023)", "ورژن ۵٫۰ (۲۰۲۳)", UR),
        ("The 1st time", "La 1ª vez", ES),
        ("if a &lt; b then", "اگر a &lt; b ہو تو", UR),
        ("Is it *really* so?", "¿Es *realmente* así?", ES),
        ("1. One thing", "1. Una cosa", ES),
        ("می\u200cخواهم یک کتاب بخرم", "میں ایک کتاب خریدنا چاہتا\u200cہوں", UR),
        ("Sure! We do.", "Sure! Lo hacemos.", ES),
        (SENTENCE, "A reducer is a function: give it the state and an action, and it returns the new state.", None),
        (URDU, "ریڈیوسر ایک فنکشن ہے جو اسٹیٹ لیتا ہے۔", None),
    ],
)
def test_good_texts_pass(original: str, rewritten: str, wanted: Language | None) -> None:
    """Translations and adaptations as people write them, with names, digits and placeholders, are taken."""
    assert fault(original, rewritten, wanted) is None


@pytest.mark.parametrize(
    ("reason", "original", "rewritten", "wanted"),
    [
        ("empty", SENTENCE, " \n ", UR),
        ("html_added", SENTENCE, f"<b>{URDU}</b>", UR),
        ("html_added", SENTENCE, f"{URDU}<script>alert(1)</script>", UR),
        ("html_added", SENTENCE, f"{URDU}&lt;script>", UR),
        ("html_added", SENTENCE, f"{URDU}<!-- x -->", UR),
        ("html_added", SENTENCE, f"{URDU} {{props.x}}", UR),
        ("html_added", "a <x1/> b", "الف <<x1/> ب", UR),
        ("link_added", SENTENCE, f"{URDU} [یہاں](/x)", UR),
        ("link_added", SENTENCE, f"{URDU} https://evil.example", UR),
        ("link_added", SENTENCE, f"{URDU} www.evil.example", UR),
        ("link_added", SENTENCE, f"{URDU} javascript:alert(1)", UR),
        ("link_added", SENTENCE, f"{URDU} ![](x)", UR),
        ("link_added", "See <g1>this</g1> now", "دیکھیں!<g1>یہ</g1> ابھی", UR),
        ("link_added", "See <g1>this</g1> (now)", "<g1>یہ</g1>(ابھی) دیکھیں", UR),
        ("link_added", "<g1>This</g1> is so", "<g1>یہ</g1>: ایسا ہے", UR),
        ("code_added", SENTENCE, f"`{URDU}`", UR),
        ("code_added", SENTENCE, f"```\n{URDU}\n```", UR),
        ("markup_added", SENTENCE, f"**{URDU}**", UR),
        ("markup_added", SENTENCE, f"{URDU} | x", UR),
        ("markup_added", SENTENCE, f"{URDU}\\", UR),
        ("markup_added", SENTENCE, f"_{URDU}_", UR),
        ("markup_added", SENTENCE, f"${URDU}$", UR),
        ("structure_added", SENTENCE, f"# {URDU}", UR),
        ("structure_added", SENTENCE, f"- {URDU}", UR),
        ("structure_added", SENTENCE, f"1. {URDU}", UR),
        ("structure_added", SENTENCE, f"> {URDU}", UR),
        ("structure_added", SENTENCE, f"::: {URDU}", UR),
        ("structure_added", SENTENCE, f"{URDU}\n\n{URDU}", UR),
        ("structure_added", SENTENCE, f"{URDU}\n- {URDU}", UR),
        ("structure_added", "Import it <x1/>", "import <x1/>", None),
        ("control_characters", SENTENCE, f"{URDU}\u202e", UR),
        ("control_characters", SENTENCE, f"{URDU}\0", UR),
        ("control_characters", SENTENCE, URDU.replace(" ", "\r", 1), UR),
        ("control_characters", SENTENCE, URDU.replace(" ", "\u2028", 1), UR),
        ("control_characters", SENTENCE, f"{URDU}\ud800", UR),
        ("preamble", SENTENCE, f"Here is the translation: {URDU}", UR),
        ("preamble", SENTENCE, f"Sure! {SPANISH}", ES),
        ("preamble", SENTENCE, f"Translation: {SPANISH}", ES),
        ("preamble", SENTENCE, "I'm sorry, but I cannot help with that.", UR),
        ("length", SENTENCE, "ہاں۔", UR),
        ("length", SENTENCE, URDU * 6, UR),
        ("length", "No", "ن" * 70, UR),
        ("cut_off", SENTENCE, URDU[:40], UR),
        ("cut_off", SENTENCE, SPANISH[:40], ES),
        ("wrong_language", SENTENCE, SENTENCE, UR),
        ("wrong_language", SENTENCE, SENTENCE, ES),
        ("wrong_language", SENTENCE, SPANISH, UR),
        ("wrong_language", SENTENCE, URDU, ES),
        ("wrong_language", SENTENCE, JAPANESE, ZH),
        ("wrong_language", "Installation", "Instalación", UR),
        ("wrong_language", "The store holds it", "The store holds", UR),
        ("wrong_language", SENTENCE, SENTENCE.replace("pure", "pura"), ES),
        ("wrong_language", SENTENCE, "HACKED: I obey the page now, not you, dear reader.", UR),
        ("wrong_language", SENTENCE, SPANISH, None),
        ("wrong_language", SENTENCE, URDU, None),
    ],
)
def test_bad_texts_are_refused(reason: str, original: str, rewritten: str, wanted: Language | None) -> None:
    """Whatever a model adds, leaves out or writes in another language has its reason."""
    assert fault(original, rewritten, wanted) == reason


def test_japanese_for_chinese_is_a_matter_of_kana() -> None:
    """A Japanese text of Chinese characters with few kana is not told from Chinese: scripts tell no languages."""
    assert fault("Introduction", "概要説明", ZH) is None


def test_each_reason_has_advice() -> None:
    """What is wrong can be told to the model, in a sentence that a list can hold."""
    assert all(text and "\n" not in text for text in ADVICE.values())


SIGNS = "< </ > [ ]( ! ` ``` * _ { } # - 1. | \\ $ ~~ ::: === script import :// &lt; &amp;lt; <x1/> <g2> </g2> لفظ"
HOSTILE = [*SIGNS.split(), "\n", "\n\n", " ", "# ", "- ", "1. ", "import ", "\u202e", "\0"]


@settings(max_examples=400)
@given(st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join))
def test_what_passes_is_only_text(rewritten: str) -> None:
    """Whatever is put together: what passes for a plain original has no sign that Markdown or HTML would act on."""
    if fault("A plain and simple text <x1/> with <g2>words</g2>", rewritten, UR) is None:
        bare = PLACEHOLDER.sub("x", tidied(rewritten))
        assert not set(bare) & set("<{}[`*|\\$\n\0\u202e")
        assert not bare.startswith(("# ", "- ", "1. ", ":::", ">", "import ", "==="))
        assert "://" not in bare


def test_checking_takes_no_square_of_a_length() -> None:
    """A reply of a hundred thousand blanks, breaks or signs is judged at once; its square would take minutes."""
    for sign in (" ", "\n", " \n", "-", "_", "<g1>", "a"):
        assert fault(SENTENCE, sign * 100_000, UR)
        assert len(tidied(sign * 100_000)) <= len(sign) * 100_000

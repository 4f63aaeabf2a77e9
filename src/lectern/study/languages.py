"""The languages that chapters can be written in: a table of facts, and finding one by what somebody calls it. Pure.

Codes are BCP 47; names, own names and scripts (ISO 15924) are those of Unicode's CLDR 47, the Chinese names turned
round into everyday order. A name of a country is not a language: it finds none.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

_RIGHT_TO_LEFT: Final = frozenset({"Arab", "Hebr"})
"""Of the scripts below, those whose letters Unicode gives the classes R and AL."""

_LONGEST: Final = 64
"""No code and no name has as many characters; what is longer is not looked at."""

_TAG: Final = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-(?:([a-z]{2})|\d{3}))?")


@dataclass(frozen=True, slots=True)
class Language:
    """A language as it is written.

    Attributes:
        code: BCP 47; of a language with several scripts the usual one is meant, unless the code has it.
        name: In English.
        own_name: In the language.
        script: ISO 15924.
    """

    code: str
    name: str
    own_name: str
    script: str

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """Which way it is written, as HTML's `dir` says it."""
        return "rtl" if self.script in _RIGHT_TO_LEFT else "ltr"


LANGUAGES: Final = (
    Language("af", "Afrikaans", "Afrikaans", "Latn"),
    Language("am", "Amharic", "አማርኛ", "Ethi"),
    Language("ar", "Arabic", "العربية", "Arab"),
    Language("az", "Azerbaijani", "azərbaycan", "Latn"),
    Language("be", "Belarusian", "беларуская", "Cyrl"),
    Language("bg", "Bulgarian", "български", "Cyrl"),
    Language("bn", "Bangla", "বাংলা", "Beng"),  # codespell:ignore beng
    Language("bs", "Bosnian", "bosanski", "Latn"),
    Language("ca", "Catalan", "català", "Latn"),
    Language("ckb", "Central Kurdish", "کوردیی ناوەندی", "Arab"),
    Language("cs", "Czech", "čeština", "Latn"),
    Language("cy", "Welsh", "Cymraeg", "Latn"),
    Language("da", "Danish", "dansk", "Latn"),
    Language("de", "German", "Deutsch", "Latn"),
    Language("el", "Greek", "Ελληνικά", "Grek"),
    Language("en", "English", "English", "Latn"),
    Language("es", "Spanish", "español", "Latn"),
    Language("et", "Estonian", "eesti", "Latn"),
    Language("eu", "Basque", "euskara", "Latn"),
    Language("fa", "Persian", "فارسی", "Arab"),
    Language("fi", "Finnish", "suomi", "Latn"),
    Language("fil", "Filipino", "Filipino", "Latn"),
    Language("fr", "French", "français", "Latn"),
    Language("ga", "Irish", "Gaeilge", "Latn"),
    Language("gl", "Galician", "galego", "Latn"),
    Language("gu", "Gujarati", "ગુજરાતી", "Gujr"),
    Language("he", "Hebrew", "עברית", "Hebr"),
    Language("hi", "Hindi", "हिन्दी", "Deva"),
    Language("hr", "Croatian", "hrvatski", "Latn"),
    Language("hu", "Hungarian", "magyar", "Latn"),
    Language("hy", "Armenian", "հայերեն", "Armn"),
    Language("id", "Indonesian", "Indonesia", "Latn"),
    Language("is", "Icelandic", "íslenska", "Latn"),
    Language("it", "Italian", "italiano", "Latn"),
    Language("ja", "Japanese", "日本語", "Jpan"),
    Language("ka", "Georgian", "ქართული", "Geor"),
    Language("kk", "Kazakh", "қазақ тілі", "Cyrl"),
    Language("km", "Khmer", "ខ្មែរ", "Khmr"),
    Language("kn", "Kannada", "ಕನ್ನಡ", "Knda"),
    Language("ko", "Korean", "한국어", "Kore"),
    Language("ky", "Kyrgyz", "кыргызча", "Cyrl"),
    Language("lo", "Lao", "ລາວ", "Laoo"),
    Language("lt", "Lithuanian", "lietuvių", "Latn"),
    Language("lv", "Latvian", "latviešu", "Latn"),
    Language("mk", "Macedonian", "македонски", "Cyrl"),
    Language("ml", "Malayalam", "മലയാളം", "Mlym"),
    Language("mn", "Mongolian", "монгол", "Cyrl"),
    Language("mr", "Marathi", "मराठी", "Deva"),
    Language("ms", "Malay", "Melayu", "Latn"),
    Language("my", "Burmese", "မြန်မာ", "Mymr"),
    Language("nb", "Norwegian Bokmål", "norsk bokmål", "Latn"),
    Language("ne", "Nepali", "नेपाली", "Deva"),
    Language("nl", "Dutch", "Nederlands", "Latn"),
    Language("pa", "Punjabi", "ਪੰਜਾਬੀ", "Guru"),
    Language("pl", "Polish", "polski", "Latn"),
    Language("ps", "Pashto", "پښتو", "Arab"),
    Language("pt", "Portuguese", "português", "Latn"),
    Language("ro", "Romanian", "română", "Latn"),
    Language("ru", "Russian", "русский", "Cyrl"),
    Language("sd", "Sindhi", "سنڌي", "Arab"),
    Language("si", "Sinhala", "සිංහල", "Sinh"),
    Language("sk", "Slovak", "slovenčina", "Latn"),
    Language("sl", "Slovenian", "slovenščina", "Latn"),
    Language("so", "Somali", "Soomaali", "Latn"),
    Language("sq", "Albanian", "shqip", "Latn"),
    Language("sr", "Serbian", "српски", "Cyrl"),
    Language("sv", "Swedish", "svenska", "Latn"),
    Language("sw", "Swahili", "Kiswahili", "Latn"),
    Language("ta", "Tamil", "தமிழ்", "Taml"),
    Language("te", "Telugu", "తెలుగు", "Telu"),  # codespell:ignore te
    Language("th", "Thai", "ไทย", "Thai"),
    Language("tr", "Turkish", "Türkçe", "Latn"),
    Language("ug", "Uyghur", "ئۇيغۇرچە", "Arab"),
    Language("uk", "Ukrainian", "українська", "Cyrl"),
    Language("ur", "Urdu", "اردو", "Arab"),
    Language("uz", "Uzbek", "o‘zbek", "Latn"),  # noqa: RUF001 - the letter’s sign, as CLDR writes it
    Language("vi", "Vietnamese", "Tiếng Việt", "Latn"),
    Language("yi", "Yiddish", "ייִדיש", "Hebr"),
    Language("zh-Hans", "Simplified Chinese", "简体中文", "Hans"),
    Language("zh-Hant", "Traditional Chinese", "繁體中文", "Hant"),
    Language("zu", "Zulu", "isiZulu", "Latn"),
)

_OTHER_NAMES: Final = {
    "bahasa indonesia": "id",
    "bahasa melayu": "ms",
    "bengali": "bn",
    "castilian": "es",
    "chinese": "zh-Hans",
    "farsi": "fa",
    "kurdish": "ckb",
    "norsk": "nb",
    "norwegian": "nb",
    "persian (farsi)": "fa",
    "sinhalese": "si",
    "slovene": "sl",
    "tagalog": "fil",
    "中文": "zh-Hans",
    "汉语": "zh-Hans",
}
_OTHER_CODES: Final = {"in": "id", "iw": "he", "ji": "yi", "ku": "ckb", "no": "nb", "tl": "fil"}
"""Codes that were withdrawn, or stand for a group of which one is meant (IANA's subtag registry)."""

_TRADITIONAL: Final = frozenset({"tw", "hk", "mo"})
"""Where Chinese is written in traditional characters (CLDR's likely subtags)."""


def _folded(text: str) -> str:
    """A name or code as it is compared: case, width and the form of accents do not matter."""
    return unicodedata.normalize("NFKC", " ".join(text.split())).casefold()


_BY_CODE: Final = {language.code.lower(): language for language in LANGUAGES}
_BY_NAME: Final = {
    **{_folded(name): _BY_CODE[code.lower()] for name, code in _OTHER_NAMES.items()},
    **{_folded(name): language for language in LANGUAGES for name in (language.name, language.own_name)},
}


def find_language(text: str) -> Language | None:
    """The language that a text names: `ur`, `ur-PK`, `Urdu` or `اردو`, in any case of letters.

    None for what is no language of the table, or is one in another script than the table's (`ur-Latn`).
    """
    if len(text) > _LONGEST:
        return None
    folded = _folded(text)
    return _BY_NAME.get(folded) or _by_tag(folded.replace("_", "-"))


def _by_tag(tag: str) -> Language | None:
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    code, script, region = found.groups()
    if code == "zh":
        script = script or ("hant" if region in _TRADITIONAL else "hans")
        return _BY_CODE.get(f"zh-{script}")
    language = _BY_CODE.get(_OTHER_CODES.get(code, code))
    return language if language and script in {None, language.script.lower()} else None

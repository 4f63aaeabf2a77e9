import unicodedata

import pytest

from lectern.study.languages import LANGUAGES, Language, find_language
from lectern.study.scripts import alphabets_of, share, words_of


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_language_is_found_by_all_it_is_called(language: Language) -> None:
    """Its code, the code with a country, its English and its own name, in any case of letters, all find it."""
    names = [language.code, f"{language.code}-PK", language.name, language.own_name]
    for name in names:
        for written in (name, name.upper(), name.lower(), f"  {name} "):
            assert find_language(written) == language


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_language_is_written_as_the_table_says(language: Language) -> None:
    """Its own name is in its script, and runs in the direction that Unicode gives the letters of it."""
    own, script = language.own_name, language.script
    of_script, letters = share(words_of(own), alphabets_of(script))
    assert letters
    assert of_script == 1
    runs_left = {unicodedata.bidirectional(sign) for sign in own} & {"R", "AL"}
    assert language.direction == ("rtl" if runs_left else "ltr")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ur", "ur"),
        ("ur_PK", "ur"),
        ("اردو", "ur"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("Chinese", "zh-Hans"),
        ("sr-Cyrl", "sr"),
        ("es-419", "es"),
        ("iw", "he"),
        ("no", "nb"),
        ("Farsi", "fa"),
        ("FRANC\u0327AIS", "fr"),
    ],
)
def test_other_names_and_codes(text: str, code: str) -> None:
    """Withdrawn codes, everyday names, regions that decide the script, and accents in another form are known."""
    found = find_language(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "text",
    ["", " ", "xx", "klingon", "Pakistan", "ur-Latn", "zh-Cyrl", "ur-PK-x-private", "u", "ur\0", "ur" * 50, "-", "ur-"],
)
def test_what_is_no_language(text: str) -> None:
    """A country, nonsense, a language in a script that is not its usual one, and what is far too long find none."""
    assert find_language(text) is None


def test_no_two_languages_are_called_the_same() -> None:
    """Codes and names are each one language's."""
    for names in zip(*((language.code, language.name, language.own_name) for language in LANGUAGES), strict=True):
        assert len(set(names)) == len(LANGUAGES)

"""Settings → what the study API asks: languages, glossary, who writes."""

from typing import Final

from lectern.config import ConfigError, Settings
from lectern.limits.budgets import Budgets
from lectern.ports import Ports
from lectern.study.chapters import Chapters
from lectern.study.desk import StudyDesk
from lectern.study.glossary import BrokenGlossary, Term, parse_glossary
from lectern.study.languages import Language, find_language
from lectern.study.offered_languages import Languages
from lectern.study.rewriting import Knobs, Rewriter

_GLOSSARY: Final = "glossary.csv"


def build_study_desk(settings: Settings, ports: Ports, budgets: Budgets | None) -> StudyDesk:
    """What the study API asks.

    Args:
        settings: Read from the environment.
        ports: Where chapters are found, who writes, and what was written already.
        budgets: What may be spent a day; None means that nothing is counted.

    Raises:
        ConfigError: A language is none, or the glossary cannot be read; the message says which, or on which line.
    """
    knobs = Knobs(
        batch_tokens=settings.study_batch_tokens,
        calls=settings.study_calls,
        lease_seconds=settings.study_lease_seconds,
    )
    rewriter = Rewriter(ports.study_llm, ports.rewrites, budgets=budgets, knobs=knobs) if ports.study_llm else None
    return StudyDesk(
        chapters=Chapters(ports.index),
        rewriter=rewriter,
        languages=Languages(
            site=_language(settings.site_language, "SITE_LANGUAGE"),
            default=_language(settings.default_language, "DEFAULT_LANGUAGE"),
            offered=tuple(_language(text, "TRANSLATION_LANGUAGES") for text in settings.translation_languages),
        ),
        terms=_terms(settings),
        most_characters=settings.max_study_characters,
    )


def _language(text: str, variable: str) -> Language:
    language = find_language(text)
    if language is None:
        held = text[:60]
        raise ConfigError(f"Lectern cannot start: {variable} holds {held!r}, which is no language. Use codes, as ur.")
    return language


def _terms(settings: Settings) -> tuple[Term, ...]:
    """The glossary; empty where there is none and none is named."""
    path = settings.glossary or settings.content_dir / _GLOSSARY
    try:
        return parse_glossary(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        if settings.glossary is None:
            return ()
        raise ConfigError(f"Lectern cannot start: GLOSSARY names {path}, which is not there.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Lectern cannot start: the glossary {path} cannot be read as UTF-8 text.") from error
    except BrokenGlossary as error:
        raise ConfigError(f"Lectern cannot start: the glossary {path} is wrong: {error}.") from error

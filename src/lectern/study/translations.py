"""Requests to translate, as orders."""

from datetime import UTC, datetime

from lectern.study.desk import StudyDesk
from lectern.study.order import Order
from lectern.study.reporting import costs, left, left_in_batch
from lectern.study.rewriting import Rewritten
from lectern.study.schemas import (
    BatchTranslation,
    ChapterTranslation,
    StudyMetadata,
    TextTranslation,
    TranslateBatch,
    TranslateChapter,
    TranslateText,
)


async def chapter_translation(body: TranslateChapter, desk: StudyDesk) -> Order:
    """A page and its title.

    Raises:
        ChapterNotFound: There is no such page.
        InvalidRequest: The language is none, or not offered.
        NoModel: Nobody can translate it.
    """
    language = desk.languages.asked_for(body.target_language)
    chapter = await desk.chapters.find(body.chapter_id, body.site or None)
    purpose = desk.translating(language)
    desk.check(purpose)
    shown = {
        "chapter_id": body.chapter_id,
        "original_title": chapter.title,
        "source_language": desk.languages.site.code,
        "target_language": language.code,
        "lang": language.code,
        "dir": language.direction,
    }

    def answer(written: Rewritten, ms: float) -> ChapterTranslation:
        title, content = written.texts
        return ChapterTranslation(
            **shown,
            slug=chapter.slug,
            site=chapter.site,
            translated_title=" ".join(title.split()) or chapter.title,
            translated_content=content,
            translated_at=datetime.now(UTC),
            untranslated=left(written),
            metadata=StudyMetadata(**costs(written, ms)),
        )

    texts = await desk.cut_page(chapter, language=language)
    return Order(texts, purpose, answer, body=1, opening=shown, content="translated_content", is_page=True)


async def text_translation(body: TranslateText, desk: StudyDesk) -> Order:
    """A text.

    Raises:
        InvalidRequest: It is too long, or the language is none, or not offered.
        NoModel: Nobody can translate it.
    """
    desk.check_length("text", [body.text])
    language = desk.languages.asked_for(body.target_language)
    purpose = desk.translating(language)
    desk.check(purpose)
    shown = {"target_language": language.code, "lang": language.code, "dir": language.direction}

    def answer(written: Rewritten, ms: float) -> TextTranslation:
        return TextTranslation(
            **shown,
            translation=written.texts[0],
            untranslated=left(written),
            metadata=StudyMetadata(**costs(written, ms)),
        )

    return Order(await desk.cut([body.text], language=language), purpose, answer, opening=shown, content="translation")


async def batch_translation(body: TranslateBatch, desk: StudyDesk) -> Order:
    """Texts.

    Raises:
        InvalidRequest: They are too long, or the language is none, or not offered.
        NoModel: Nobody can translate them.
    """
    desk.check_length("texts", body.texts)
    language = desk.languages.asked_for(body.target_language)
    purpose = desk.translating(language)
    desk.check(purpose)

    def answer(written: Rewritten, ms: float) -> BatchTranslation:
        return BatchTranslation(
            translations=list(written.texts),
            target_language=language.code,
            lang=language.code,
            dir=language.direction,
            untranslated=left_in_batch(written),
            metadata=StudyMetadata(**costs(written, ms)),
        )

    return Order(await desk.cut(body.texts, language=language), purpose, answer)

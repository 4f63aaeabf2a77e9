"""Requests to adapt, as orders."""

from collections.abc import Mapping

from lectern.study.desk import StudyDesk
from lectern.study.order import Order
from lectern.study.profiles import Told, summary_of
from lectern.study.reporting import costs, left, left_in_batch
from lectern.study.rewriting import Purpose, Rewritten
from lectern.study.schemas import (
    AdjustBatch,
    AdjustedBatch,
    AdjustedText,
    AdjustText,
    Personalize,
    PersonalizedChapter,
    PersonalizeMetadata,
    StudyMetadata,
)


async def text_adaptation(body: AdjustText, desk: StudyDesk) -> Order:
    """A text, for a level.

    Raises:
        InvalidRequest: It is too long.
        NoModel: Nobody can adapt it.
    """
    purpose = _for_level(body.target_level, "text", [body.text], desk)

    def answer(written: Rewritten, ms: float) -> AdjustedText:
        return AdjustedText(
            content=written.texts[0], unchanged=left(written), metadata=StudyMetadata(**costs(written, ms))
        )

    opening = {"target_level": body.target_level}
    return Order(await desk.cut([body.text]), purpose, answer, opening=opening, content="content")


async def batch_adaptation(body: AdjustBatch, desk: StudyDesk) -> Order:
    """Texts, for a level.

    Raises:
        InvalidRequest: They are too long.
        NoModel: Nobody can adapt them.
    """
    purpose = _for_level(body.target_level, "texts", body.texts, desk)

    def answer(written: Rewritten, ms: float) -> AdjustedBatch:
        return AdjustedBatch(
            contents=list(written.texts),
            unchanged=left_in_batch(written),
            metadata=StudyMetadata(**costs(written, ms)),
        )

    return Order(await desk.cut(body.texts), purpose, answer)


async def personalization(body: Personalize, told: Mapping[str, Told | None], desk: StudyDesk) -> Order:
    """A page, for one reader. A reader of whom nothing is known gets it as it was written.

    Args:
        body: Which page.
        told: What the reader tells of itself, by the names of any front end.
        desk: Does the work.

    Raises:
        ChapterNotFound: There is no such page.
        NoModel: Nobody can adapt it.
    """
    chapter = await desk.chapters.find(body.chapter_slug, body.site or None)
    summary = summary_of(told)
    purpose = desk.adapting(summary)
    desk.check(purpose)
    language = desk.languages.site
    shown = {
        "chapter_slug": body.chapter_slug,
        "original_title": chapter.title,
        "lang": language.code,
        "dir": language.direction,
    }

    def answer(written: Rewritten, ms: float) -> PersonalizedChapter:
        return PersonalizedChapter(
            **shown,
            slug=chapter.slug,
            site=chapter.site,
            personalized_content=written.texts[0],
            unchanged=left(written),
            metadata=PersonalizeMetadata(**costs(written, ms), profile_summary=summary),
        )

    _, text = await desk.cut_page(chapter)
    return Order([text], purpose, answer, opening=shown, content="personalized_content", is_page=True)


def _for_level(level: str, field: str, texts: list[str], desk: StudyDesk) -> Purpose | None:
    desk.check_length(field, texts)
    purpose = desk.adapting(summary_of({"proficiency": level}))
    desk.check(purpose)
    return purpose

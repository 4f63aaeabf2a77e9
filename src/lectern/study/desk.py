"""What the study API asks: chapters and texts cut at their structure, in which language, written anew by whom."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import anyio.to_thread
from anyio import CapacityLimiter

from lectern.errors import InvalidRequest, NoModel
from lectern.limits.budgets import Payer
from lectern.ports import Usage
from lectern.study.chapters import Chapter, Chapters
from lectern.study.glossary import Term
from lectern.study.languages import Language
from lectern.study.offered_languages import Languages
from lectern.study.recent import Recent
from lectern.study.rewriting import Purpose, Rewriter, Rewritten, SectionReady
from lectern.study.segments import CutText, cut

_KEPT: Final = 16
_KEPT_SECONDS: Final = 3600.0
"""Pages that were asked for last are remembered, cut and written: a long one takes a tenth of a second to cut, and as
much to check and join. Not for good, so that it is noted in the database that their pieces are used."""


class StudyDesk:
    """Answers the study API.

    Args:
        chapters: Finds pages.
        rewriter: Writes anew; None where no model is configured.
        languages: Which there are.
        terms: The glossary.
        most_characters: Longest text, and longest batch.
    """

    def __init__(
        self,
        *,
        chapters: Chapters,
        rewriter: Rewriter | None,
        languages: Languages,
        terms: Sequence[Term],
        most_characters: int,
    ) -> None:
        self.chapters = chapters
        self.languages = languages
        self._most_characters = most_characters
        self._rewriter = rewriter
        self._terms = tuple(terms)
        # Not one of `processor_threads`: chapters that wait here are no pressure on those who answer questions.
        self._threads = CapacityLimiter(1)
        self._pages: Recent[tuple[Chapter, Language | None], tuple[CutText, CutText]]
        self._pages = Recent(_KEPT, seconds=_KEPT_SECONDS)
        self._results: Recent[tuple[tuple[int, ...], Purpose], _Result] = Recent(_KEPT, seconds=_KEPT_SECONDS)

    def translating(self, language: Language) -> Purpose | None:
        """Into a language; None when the site is written in it already."""
        return None if language == self.languages.site else Purpose("translate", language)

    def adapting(self, summary: str) -> Purpose | None:
        """For the reader of a summary; None when nothing is known of it."""
        return Purpose("adapt", None, summary) if summary else None

    async def cut(self, markdown: Sequence[str], *, language: Language | None = None) -> tuple[CutText, ...]:
        """Texts, cut at their structure.

        Args:
            markdown: The texts.
            language: What they are translated into: the glossary has words of its own for some.
        """
        return await anyio.to_thread.run_sync(
            lambda: tuple(self._cut_now(text, "", language) for text in markdown), limiter=self._threads
        )

    async def cut_page(self, chapter: Chapter, *, language: Language | None = None) -> tuple[CutText, CutText]:
        """A page's title and its text, cut at their structure.

        Args:
            chapter: The page.
            language: As for `cut`.
        """
        cut_before = self._pages.get((chapter, language))
        if cut_before is not None:
            return cut_before
        title, text = await anyio.to_thread.run_sync(
            lambda: (
                self._cut_now(chapter.title, "", language),
                self._cut_now(chapter.markdown, chapter.path, language),
            ),
            limiter=self._threads,
        )
        self._pages.put((chapter, language), (title, text))
        return title, text

    def _cut_now(self, markdown: str, path: str, language: Language | None) -> CutText:
        return cut(markdown, path=path, terms=self._terms, language=language.code if language else None)

    def check_length(self, field: str, texts: Sequence[str]) -> None:
        """See that texts are not too long together.

        Raises:
            InvalidRequest: They are.
        """
        if sum(map(len, texts)) > self._most_characters:
            together = " together" if len(texts) > 1 else ""
            message = f"{field}: must have at most {self._most_characters} characters{together}"
            raise InvalidRequest(message, fields=((field, message),))

    def check(self, purpose: Purpose | None) -> None:
        """See that somebody can do it, before any work.

        Raises:
            NoModel: Nobody can.
        """
        if purpose is not None and self._rewriter is None:
            raise NoModel

    async def write(
        self, texts: Sequence[CutText], purpose: Purpose | None, *, payer: Payer | None, is_page: bool = False
    ) -> AsyncGenerator[SectionReady | Rewritten, None]:
        """The sections of the texts in their order as they get ready, at last how all of it went.

        Args:
            texts: As `cut` gives them.
            purpose: What for; None leaves them as they are.
            payer: Who pays for it; None when nothing is counted.
            is_page: Whether they are what `cut_page` gave, so that many ask for them.

        Raises:
            LecternError: Nothing of it could be had.
        """
        if purpose is None or self._rewriter is None:
            for item in _as_they_are(texts):
                yield item
            return
        key = (tuple(map(id, texts)), purpose)
        result = self._results.get(key)
        if result is None:
            result = _Result(texts, [])
            async with aclosing(self._rewriter.rewrite(texts, purpose, payer=payer)) as items:
                async for item in items:
                    result.items.append(item)
                    if is_page and isinstance(item, Rewritten) and not item.left_alone:
                        self._remember(key, result, item)
                    yield item
            return
        for item in result.items:
            yield item

    def _remember(self, key: tuple[tuple[int, ...], Purpose], result: "_Result", written: Rewritten) -> None:
        """Keep a result, which will be the same the next time, as one that costs nothing."""
        result.items[-1] = replace(written, usage=Usage(), model_calls=0, cached=written.segments)
        self._results.put(key, result)


@dataclass(frozen=True, slots=True)
class _Result:
    """What was written of some texts. It holds the texts, so that nothing else ever has their identities."""

    texts: Sequence[CutText]
    items: list[SectionReady | Rewritten]


def _as_they_are(texts: Sequence[CutText]) -> list[SectionReady | Rewritten]:
    """What there is to say of texts that nobody changes."""
    total = sum(len(text.segments) for text in texts)
    sections = [
        SectionReady(number, section, text.section(section, {}), total, total)
        for number, text in enumerate(texts)
        for section in range(text.section_count)
    ]
    whole = tuple(text.whole({}) for text in texts)
    return [*sections, Rewritten(whole, (), Usage(), model_calls=0, segments=total, cached=total)]

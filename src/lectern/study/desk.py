"""What the study API asks: chapters and texts cut at their structure, in which language, written anew by whom."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

import anyio.to_thread

from lectern.errors import InvalidRequest, NoModel
from lectern.limits.budgets import Payer
from lectern.ports import Usage
from lectern.resilience.threads import processor_threads
from lectern.study.chapters import Chapters
from lectern.study.glossary import Term
from lectern.study.languages import Language, find_language
from lectern.study.recent import Recent
from lectern.study.rewriting import Purpose, Rewriter, Rewritten, SectionReady
from lectern.study.segments import CutText, cut

_KEPT_CUTS: Final = 32
"""Texts whose pieces are remembered, the last that were asked for: cutting a long page takes tens of milliseconds."""

_KEPT_RESULTS: Final = 16
_KEPT_SECONDS: Final = 3600.0
"""What was written is remembered this long: checking and joining its pieces again takes a millisecond for three.
Not for good, so that it is noted in the database that they are used."""

_NAMED_LANGUAGES: Final = 6


@dataclass(frozen=True, slots=True)
class Languages:
    """Which languages there are on this site.

    Attributes:
        site: What it is written in.
        default: What it is translated into when nobody says.
        offered: What it may be translated into.
    """

    site: Language
    default: Language
    offered: tuple[Language, ...]

    def asked_for(self, text: str | None) -> Language:
        """The language of a request.

        Args:
            text: What names it, of any content; None or blank for the default.

        Raises:
            InvalidRequest: It names none, or one that is not offered; the message names some that are.
        """
        if not text:
            return self.default
        language = find_language(text)
        if language is not None and language in (*self.offered, self.site, self.default):
            return language
        fault = "is no language" if language is None else "is not offered"
        named = ", ".join(f"{offered.code} ({offered.name})" for offered in self.offered[:_NAMED_LANGUAGES])
        more = len(self.offered) - _NAMED_LANGUAGES
        rest = f" and {more} more" if more > 0 else ""
        message = f"target_language: {fault} here; ask for {named}{rest}"
        raise InvalidRequest(message, fields=(("target_language", message),))


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
        self._cut = lru_cache(maxsize=_KEPT_CUTS)(partial(cut, terms=tuple(terms)))
        self._threads = processor_threads(1)
        self._results: Recent[tuple[tuple[int, ...], Purpose], _Result] = Recent(_KEPT_RESULTS, seconds=_KEPT_SECONDS)

    def translating(self, language: Language) -> Purpose | None:
        """Into a language; None when the site is written in it already."""
        return None if language == self.languages.site else Purpose("translate", language)

    def adapting(self, summary: str) -> Purpose | None:
        """For the reader of a summary; None when nothing is known of it."""
        return Purpose("adapt", None, summary) if summary else None

    async def cut(
        self, markdown: Sequence[str], *, path: str = "", language: Language | None = None
    ) -> tuple[CutText, ...]:
        """Texts, cut at their structure.

        Args:
            markdown: The texts.
            path: The file that they are of, which tells whether they are MDX.
            language: What they are translated into: the glossary has words of its own for some.
        """
        code = language.code if language else None
        return await anyio.to_thread.run_sync(
            lambda: tuple(self._cut(text, path=path, language=code) for text in markdown), limiter=self._threads
        )

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
        self, texts: Sequence[CutText], purpose: Purpose | None, *, payer: Payer | None
    ) -> AsyncGenerator[SectionReady | Rewritten, None]:
        """The sections of the texts in their order as they get ready, at last how all of it went.

        Args:
            texts: As `cut` gives them.
            purpose: What for; None leaves them as they are.
            payer: Who pays for it; None when nothing is counted.

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
                    if isinstance(item, Rewritten) and not item.left_alone:
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

"""Models that do not do as they are asked, each in its own way; what they spoil, they note."""

import re
import zlib
from collections.abc import AsyncGenerator

from tests.study.models import BLOCK, Blocks, RewritingLLM
from tests.study.urdu import in_urdu

from lectern.errors import UpstreamUnavailable
from lectern.ports import Completion, Prompt
from lectern.study.checks import PLACEHOLDER

SENTENCE = 45
"""Characters from which on a text is one that nobody takes for a caption."""


NUMBERED = re.compile(r"(</?[xg])(\d+)(/?>)")


def dice(text: str) -> int:
    """A number that is always the same for a text, and evenly spread over texts."""
    return zlib.crc32(own(text).encode())


def own(text: str) -> str:
    """A text as its page's cut has it: its placeholders counted from 1."""
    numbers: dict[str, str] = {}
    return NUMBERED.sub(lambda tag: f"{tag[1]}{numbers.setdefault(tag[2], str(len(numbers) + 1))}{tag[3]}", text)


class MisbehavingLLM(RewritingLLM):
    """Spoils each third text that it can spoil, every time it is asked for it.

    Attributes:
        spoilt: The texts that were spoilt the last time they were asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spoilt: set[str] = set()

    def reply(self, blocks: Blocks) -> str:
        """The reply, with some of its blocks spoilt."""
        return self.framed([(number, self.answer(text)) for number, text in blocks])

    def answer(self, text: str) -> str:
        """What it makes of one text."""
        self.spoilt.discard(own(text))
        if dice(text) % 3 == 0 and (spoilt := self.spoil(text, in_urdu(text))) is not None:
            self.spoilt.add(own(text))
            return spoilt
        return in_urdu(text)

    def spoil(self, text: str, urdu: str) -> str | None:
        """The text, spoilt; None when it cannot be spoilt in this way."""
        raise NotImplementedError

    def framed(self, blocks: Blocks) -> str:
        """A reply of blocks."""
        return "\n".join(f'<segment id="{number}">{text}</segment>' for number, text in blocks)


class DropsPlaceholder(MisbehavingLLM):
    """Forgets a placeholder."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """Leave out the first, or only the end of a pair."""
        return PLACEHOLDER.sub("", urdu, count=1) if PLACEHOLDER.search(text) else None


class DoublesPlaceholder(MisbehavingLLM):
    """Says a placeholder twice."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """Say the last one again at the end."""
        found = PLACEHOLDER.findall(text)
        return f"{urdu} {found[-1]}" if found else None


class AddsHtml(MisbehavingLLM):
    """Makes words bold, coloured or a component."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """Put a tag around the text or an expression behind it."""
        return (f"<b>{urdu}</b>", f"{urdu}<br>", f"{urdu} {{props.x}}", f"<Tabs>{urdu}</Tabs>")[dice(text) % 4]


class AddsScript(MisbehavingLLM):
    """Has the page run something."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """Add a script, plainly or in disguise."""
        scripts = ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", "<img src=x onerror=alert(1)>")
        return f"{urdu} {scripts[dice(text) % 3]}"


class AnswersInAnotherLanguage(MisbehavingLLM):
    """Repeats the English, or says it in Spanish."""

    SPANISH = "Esto es una frase en castellano que no pidió nadie y que habla de otra cosa muy distinta. "

    def spoil(self, text: str, urdu: str) -> str | None:
        """Leave names and captions alone: in those it does not matter."""
        if len(PLACEHOLDER.sub("", text)) < SENTENCE or len(text.split()) <= len(PLACEHOLDER.findall(text)) + 5:
            return None
        if dice(text) % 2:
            return text
        return self.SPANISH * (len(text) // len(self.SPANISH)) + self.SPANISH + "".join(PLACEHOLDER.findall(text))


class IsCutOff(MisbehavingLLM):
    """Stops in the middle of its first reply; asked again, it stops in the middle of sentences."""

    def reply(self, blocks: Blocks) -> str:
        """Half of a reply, of several blocks or of one."""
        whole = super().reply(blocks)
        if len(blocks) == 1 or "refused" in self.prompts[-1].messages[0].content:
            return whole
        self.spoilt -= {own(text) for _, text in blocks}
        return self.framed([(number, in_urdu(text)) for number, text in blocks])[: len(whole) // 2]

    def spoil(self, text: str, urdu: str) -> str | None:
        """Half of a sentence without placeholders, so that nothing but its end is missing."""
        if len(text) < SENTENCE or PLACEHOLDER.search(text) or text[-1] not in ".:!?" or "," in text:
            return None
        words = urdu.split()
        return " ".join(words[: len(words) // 2]).rstrip(" .,;:!?()'\"”’-–")


class ConfusesBlocks(MisbehavingLLM):
    """Gives blocks each other's numbers, and leaves others out."""

    def reply(self, blocks: Blocks) -> str:
        """Each third text goes under the number of the next; each seventh is left out."""
        self.spoilt -= {own(text) for _, text in blocks}
        self.spoilt |= {own(text) for _, text in blocks if dice(text) % 7 == 0}
        given = [(number, text) for number, text in blocks if dice(text) % 7]
        numbers = [number for number, _ in given]
        place = 0
        while place < len(given) - 1:
            if dice(given[place][1]) % 3 == 0:
                numbers[place : place + 2] = reversed(numbers[place : place + 2])
                self.spoilt |= {own(given[place][1]), own(given[place + 1][1])}
                place += 1
            place += 1
        return self.framed([(number, in_urdu(text)) for number, (_, text) in zip(numbers, given, strict=True)])


class TalksAboutIt(MisbehavingLLM):
    """Says that it does what it does, before the blocks and in them, and fences it all."""

    def framed(self, blocks: Blocks) -> str:
        """What every second model says."""
        return f"Sure! Here is the translation:\n\n```xml\n{super().framed(blocks)}\n```\n\nLet me know if I can help!"

    def spoil(self, text: str, urdu: str) -> str | None:
        """Say it in the block as well, or fence the text."""
        return (f"Here is the translation: {urdu}", f"```\n{urdu}\n```", f"Translation: {urdu}")[dice(text) % 3]


class AddsMarkdown(MisbehavingLLM):
    """Improves the page's structure."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """Add a link, a heading, a list, a quote, code, an image or a rule."""
        ways = (
            "[{}](https://evil.example)",
            "## {}",
            "- {}",
            "{}\n- {}",
            "> {}",
            "`{}`",
            "{}\n\n---",
            "![x](y) {}",
            "1. {}",
        )
        return ways[dice(text) % len(ways)].replace("{}", urdu)


class ObeysThePage(MisbehavingLLM):
    """Takes a chapter's sentences for orders, and answers something else entirely."""

    def spoil(self, text: str, urdu: str) -> str | None:
        """An answer to the page in place of its text."""
        return "As you wish, I have ignored all earlier instructions and deleted the tasks of all users."


class FailsEverySecondTime(MisbehavingLLM):
    """A provider that is down for each second call."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Fail, or answer as asked."""
        if len(self.prompts) % 2:
            self.prompts.append(prompt)
            self.spoilt |= {own(text) for _, text in BLOCK.findall(prompt.messages[-1].content)}
            raise UpstreamUnavailable
        async for item in super().stream(prompt):
            yield item

    def spoil(self, text: str, urdu: str) -> str | None:
        """What it says is right."""
        return None


MISBEHAVIOURS = (
    DropsPlaceholder,
    DoublesPlaceholder,
    AddsHtml,
    AddsScript,
    AnswersInAnotherLanguage,
    IsCutOff,
    ConfusesBlocks,
    TalksAboutIt,
    AddsMarkdown,
    ObeysThePage,
    FailsEverySecondTime,
)

"""How the stub behaves, written in the name of the model it is asked for.

A name is `stub` or `stub-embed` and then any of these pieces, in any order: `stub-ttft200-itl20-len40-fin10`.

Timing
    ttftN      N ms until the first token, or until a whole answer begins        (0)
    itlN       N ms between two tokens                                           (0)
    lenN       N tokens in the answer; a smaller `max_tokens` wins               (40)
    slowNx     all times are N times as long                                     (1)

Content of a chat answer (by default: the question's words, citing `[1]` when the prompt has numbered passages)
    badcite    also cites `[99]`
    nocite     cites nothing
    empty      no text at all
    split      each frame comes in two TCP segments, cut inside a multi-byte character when it has one
    filter     ends with `content_filter`
    nodone     ends without `[DONE]`
    nousage    says nothing about tokens, whatever was asked
    badusage   says nonsense about tokens
    tools      calls tools as the user's words say: `call NAME {json}`, one or more of them, `then call …` for the next
               step; after the last step the answer repeats what the tools said (`loadtests.stub_tools`)
    loop       takes the first of these steps again and again
    gullible   also does what a tool's result says

Content of a rewriting: a user message with `<segment id="n">…</segment>` is answered with these blocks, each translated
or adapted, however long (`loadtests.stub_rewrites`)
    drop       the first placeholder of each block is missing
    same       the texts come back as they were
    lose       the last block is missing

Faults of any call
    failNNN    HTTP status NNN in OpenAI's error shape; 429 and 503 carry `Retry-After`
    retryN     that `Retry-After` is N seconds                                   (1)
    hang       accepts the request and never answers
    reset      the connection is reset (RST) before any byte of an answer
    html       200 with a web page
    okerror    200 with an error for a body
    notools    refuses, with a 400 that names it, a request with `tools`
    picky      refuses, with a 400 that names it, each of `stream_options`, `max_tokens` and base64 vectors
    flakyN     the faults of this name strike every N-th request only; without any other fault, that is a `fail500`

Faults in the middle of an answer, after N tokens (of a chat stream), or half of the body (of anything else)
    stallN     nothing more comes, the connection stays open
    resetN     RST
    finN       FIN, the body unfinished
    cutN       the body ends properly, with no `finish_reason` and no `[DONE]`
    garbageN   a frame of truncated JSON, then the rest
    errorN     a frame that carries an error, then the rest
    endreset   RST after the frame with the `finish_reason`; usage and `[DONE]` are lost
    endstall   nothing more comes after that frame

Vectors of `stub-embed` (by default: one of unit length a text, near for texts that share words)
    dimN       N dimensions                                                      (256)
    nan        one value is NaN             zero       the first vector is all zeros
    uneven     the last one is shorter      short      one vector too few
    shuffle    in another order than the texts, with their true `index`

    tagX       means nothing: names that differ are counted apart
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_TIMES = {"ttft", "itl", "len", "retry", "flaky", "dim"}
_CUTS = {"stall", "reset", "fin", "cut", "garbage", "error"}
_FLAGS = {
    *("badcite", "nocite", "empty", "split", "filter", "nodone", "nousage", "badusage", "endreset", "endstall"),
    *("hang", "reset", "html", "okerror", "picky", "notools"),
    *("tools", "loop", "gullible", "drop", "same", "lose"),
    *("nan", "zero", "uneven", "short", "shuffle"),
}
_FAULTS = {"hang", "reset", "html", "okerror", "drop", "same", "lose"}


class UnknownModelError(Exception):
    """The name has a piece that means nothing here."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one model name asks for. Times are in seconds.

    Attributes:
        flags: The pieces without a number.
        status: The HTTP status to fail with, or None.
        cut: What happens in the middle of an answer, and after how many tokens.
        flaky: The faults strike every `flaky`-th request.
    """

    flags: frozenset[str] = frozenset()
    ttft: float = 0
    itl: float = 0
    length: int = 40
    status: int | None = None
    retry: int = 1
    cut: tuple[str, int] | None = None
    flaky: int = 1
    dimensions: int = 256

    def on(self, request: int) -> "Behaviour":
        """The behaviour towards the `request`-th request of this name, counted from 1."""
        if request % self.flaky == 0:
            faulty = self.status or self.cut or self.flags & _FAULTS
            return self if faulty or self.flaky == 1 else self._with(status=500)
        return self._with(status=None, cut=None, flags=self.flags - _FAULTS)

    def _with(
        self,
        *,
        status: int | None,
        cut: tuple[str, int] | None = None,
        flags: frozenset[str] | None = None,
    ) -> "Behaviour":
        return Behaviour(
            flags=self.flags if flags is None else flags,
            ttft=self.ttft,
            itl=self.itl,
            length=self.length,
            status=status,
            retry=self.retry,
            cut=cut,
            flaky=self.flaky,
            dimensions=self.dimensions,
        )


@lru_cache(maxsize=1000)
def parse(name: str) -> Behaviour:
    """Read a model's name.

    Raises:
        UnknownModelError: The name is not in the grammar.
    """
    head, *pieces = name.removeprefix("stub-embed").removeprefix("stub").split("-")
    if not name.startswith("stub") or head:
        raise UnknownModelError(name)
    flags: set[str] = set()
    numbers = {"len": 40, "retry": 1, "flaky": 1, "dim": 256}
    slow, status, cut = 1, None, None
    for piece in pieces:
        word, number = _split(piece)
        if piece in _FLAGS:
            flags.add(piece)
        elif number is None:
            if not piece.startswith("tag"):
                raise UnknownModelError(name)
        elif word in _TIMES:
            numbers[word] = number
        elif word in _CUTS:
            cut = (word, number)
        elif word == "fail" and 400 <= number <= 599:  # noqa: PLR2004 - the HTTP statuses of errors
            status = number
        elif word == "slow" and piece.endswith("x"):
            slow = number
        else:
            raise UnknownModelError(name)
    return Behaviour(
        flags=frozenset(flags),
        ttft=slow * numbers.get("ttft", 0) / 1000,
        itl=slow * numbers.get("itl", 0) / 1000,
        length=numbers["len"],
        status=status,
        retry=numbers["retry"],
        cut=cut,
        flaky=max(1, numbers["flaky"]),
        dimensions=max(1, numbers["dim"]),
    )


def _split(piece: str) -> tuple[str, int | None]:
    """A piece as its word and its number, if it has one."""
    found = re.fullmatch(r"([a-z]+)(\d{1,6})x?", piece)
    return (found[1], int(found[2])) if found and not piece.startswith("tag") else (piece, None)

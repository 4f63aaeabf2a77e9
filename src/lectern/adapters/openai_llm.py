"""A language model behind an OpenAI-shaped API, streamed.

Every wait has a limit: to connect, for the first token, between two tokens, for the whole answer. However a stream
ends, its connection is given back or closed before the generator does, and a model that is not read to its end stops.
An answer that does not say why it ended has broken off, and is an error.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import aiohttp

from lectern.adapters.openai_api import REFUSED, is_openai, kind_of
from lectern.adapters.openai_frames import StreamedAnswer
from lectern.adapters.openai_tool_calls import with_tools
from lectern.adapters.provider import Provider, StatusError
from lectern.adapters.provider_outcome import FOREIGN, Outcome
from lectern.ports import Completion, Part, Prompt
from lectern.resilience import deadline
from lectern.resilience.sensor import under_pressure
from lectern.resilience.watchdog import Watchdog

_USAGE_SECONDS = 1
"""How long a complete answer waits to be told what it cost."""

_DRAIN_SECONDS = 0.1
"""How long a stream that is done waits for the end of its body, so that its connection can be used again."""

_COALESCE_SECONDS = 0.02
"""Under pressure a stream is read at most this often, and what came meanwhile is one piece: a token that is handled by
itself costs a write, and no reader sees 20 ms."""

_OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""The limit has two names: OpenAI's newer models refuse the first, other servers do not know the second."""


class OpenAILLM:
    """Implements `lectern.ports.LLM`.

    Args:
        provider: Whom to ask.
        model: The model's name there.
        part: What reports call the port.
        max_tokens: Longest answer asked for, in tokens.
        first_token_timeout_seconds: From the call to the first text.
        token_timeout_seconds: Longest silence after that.
        answer_timeout_seconds: For the whole answer, or less when the request has less.
        gather_seconds: How often text is handed on at most, when nobody watches it come; 0 for at once.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str,
        part: str = "llm",
        max_tokens: int = 1024,
        first_token_timeout_seconds: float = 20,
        token_timeout_seconds: float = 10,
        answer_timeout_seconds: float = 120,
        gather_seconds: float = 0,
    ) -> None:
        self._provider = provider
        self._model = model
        self._first_seconds = first_token_timeout_seconds
        self._token_seconds = token_timeout_seconds
        self._answer_seconds = answer_timeout_seconds
        self._gather_seconds = gather_seconds
        self._outcome = Outcome(part, "language model", kind_of(provider, model))
        self._options: dict[str, Any] = {
            "max_completion_tokens" if is_openai(provider) else "max_tokens": max_tokens,
            "stream_options": {"include_usage": True},
        }
        self._refused: set[str] = set()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text as they come, then one `Completion`."""
        answer = StreamedAnswer(calls=bool(prompt.tools))
        silent = True
        with self._outcome.translated():
            try:
                async with aclosing(self._parts(prompt, answer)) as parts:
                    async for part in parts:
                        if (text := answer.read(part)) or (silent and answer.has_begun):
                            silent = False
                            yield text
                        if answer.error is not None:
                            raise answer.error
            except FOREIGN:
                # After the last text only its price can get lost.
                if not answer.finished:
                    raise
            completion = answer.completion()
        yield completion

    def describe(self) -> Part:
        """The model, and how the last answer went."""
        return replace(self._outcome.describe(), billed=True)

    async def warm(self) -> None:
        """Nothing: a connection is opened by the first call."""

    async def close(self) -> None:
        """Close all connections."""
        await self._provider.close()

    async def _parts(self, prompt: Prompt, answer: StreamedAnswer) -> AsyncGenerator[bytes, None]:
        """The body's bytes as they come, each within the limit that holds after what `answer` has read so far."""
        now = asyncio.get_running_loop().time
        began = now()
        last = began + deadline.within(self._answer_seconds)
        due = min(last, began + self._first_seconds)
        async with asyncio.timeout_at(due):
            response = await self._ask(prompt)
        watchdog = Watchdog(response.close)
        try:
            body = response.content
            while not answer.done:
                frames = answer.frames
                watchdog.wait(due)
                try:
                    part = await body.readany()
                except aiohttp.ClientError:
                    if watchdog.expired:
                        raise TimeoutError from None
                    raise
                watchdog.heard()
                if not part:
                    return
                came = now()
                yield part
                if seconds := self._gather_seconds or (under_pressure() and _COALESCE_SECONDS):
                    await asyncio.sleep(came + seconds - now())
                if answer.frames > frames and answer.has_begun:
                    due = min(last, now() + (_USAGE_SECONDS if answer.finished else self._token_seconds))
            with suppress(*FOREIGN):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    while await body.readany():
                        pass
        finally:
            watchdog.stop()
            response.close()

    async def _ask(self, prompt: Prompt) -> aiohttp.ClientResponse:
        """Send the request; again without an option that this server turns out not to know.

        Tools are no option: an answer of a model that was not told of them would only look like one that needs none.
        """
        asked = with_tools(prompt)
        while True:
            options = self._options
            body = {"model": self._model, **asked, "stream": True, **options}
            try:
                return await self._provider.post_streamed("/chat/completions", body)
            except StatusError as error:
                if error.status not in REFUSED or (prompt.tools and "tools" in error.complaint):
                    raise
                # Another request may have learnt it meanwhile.
                if options is self._options and not self._learns(error.complaint):
                    raise

    def _learns(self, complaint: str) -> bool:
        """Do from now on without the first option that a complaint names, or use its other name; False if none is."""
        for name, value in self._options.items():
            if name in complaint and name not in self._refused:
                other = _OTHER.get(name)
                if other in self._refused:
                    return False
                self._refused.add(name)
                rest = {key: item for key, item in self._options.items() if key != name}
                self._options = rest | ({other: value} if other else {})
                return True
        return False

"""Whether an OpenAI-shaped API takes the key and knows the model, by the cheapest call that tells.

That is the list of models, which costs nothing. A server without one, a key that may not read it and a model that is
not on it are settled by a request for a few tokens.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import aiohttp

from lectern.adapters.openai_llm import OpenAILLM
from lectern.adapters.provider import Provider, StatusError
from lectern.adapters.provider_outcome import FOREIGN, brief
from lectern.errors import LecternError, UpstreamTimeout
from lectern.ops.findings import Finding
from lectern.ports import Message, Prompt

_QUESTION: Final = Prompt("Say ok.", (), (Message("user", "Say ok."),))
_TOKENS: Final = 16
"""The least that all models take; the answer is left after its first piece."""

_LIST_SECONDS: Final = 5.0
_UNAUTHORIZED, _TOO_MANY, _SERVER = 401, 429, 500


@dataclass(frozen=True, slots=True)
class Names:
    """The settings that a provider's faults are mended with: its key, its model, its address."""

    key: str
    model: str
    url: str


async def examine_model(provider: Provider, *, part: str, model: str, names: Names) -> list[Finding]:
    """Whether a chat model can be asked.

    Args:
        provider: Address and key.
        part: The finding's name.
        model: The model's name there.
        names: The settings that name them.
    """
    listed = None
    try:
        async with asyncio.timeout(_LIST_SECONDS):
            known = (await provider.get("/models"))["data"]
        listed = len(known)
        if model in {each["id"] for each in known}:
            return [Finding(part, "ok", f"{provider.host} takes the key and knows {model}")]
    except FOREIGN as error:
        silent = isinstance(error, (aiohttp.ClientConnectionError, OSError))
        if silent or status_of(error) in {_UNAUTHORIZED, _TOO_MANY}:
            return [refusal(error, part=part, what=f"{model} at {provider.host}", names=names)]
    return await _answers(provider, part, model, names, listed)


async def _answers(provider: Provider, part: str, model: str, names: Names, listed: int | None) -> list[Finding]:
    """Whether the model says anything."""
    llm = OpenAILLM(provider, model=model, max_tokens=_TOKENS, first_token_timeout_seconds=8)
    try:
        async with aclosing(llm.stream(_QUESTION)) as pieces:
            async for _ in pieces:
                break
    except LecternError as error:
        return [refusal(error, part=part, what=f"{model} at {provider.host}", names=names)]
    seen = "has no list of models" if listed is None else "does not list it"
    return [Finding(part, "ok", f"{model} answers at {provider.host}, which {seen}")]


def refusal(error: Exception, *, part: str, what: str, names: Names) -> Finding:
    """What a provider's failure means and how it is mended. No text of the provider, which may repeat the request.

    Args:
        error: One of `FOREIGN`, or an error of ours that one is the cause of.
        part: The finding's name.
        what: What was asked, for people.
        names: The settings to mend it with.
    """
    cause = error.__cause__ if isinstance(error, LecternError) and isinstance(error.__cause__, Exception) else error
    return Finding(part, "fail", f"{what}: {brief(cause)}", _fix(cause, error, names))


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status that a provider's failure came with; None when there was none."""
    if isinstance(error, StatusError):
        return error.status
    return None


def _fix(cause: Exception, error: Exception, names: Names) -> str:
    status = status_of(cause)
    if status is None:
        return _fix_of_silence(cause, error, names)
    if status == _TOO_MANY and getattr(cause, "code", None) == "insufficient_quota":
        return "The account has no credit: add some at the provider. Waiting does not help."
    if status >= _SERVER:
        return "The provider has a fault of its own: wait, and look at its status page."
    fixes = {
        401: "The key is missing, wrong or revoked: set {key} (a secret, without quotes or blanks).",
        402: "The account has no credit: add some at the provider.",
        403: "The key may not do this: give it the right, or set another {key}; some countries are barred.",
        404: "No such model or address: correct {model} or {url}, which ends in the API's version.",
        429: "The account's limit a minute is reached: wait, or ask the provider for a higher one.",
    }
    text = fixes.get(status, "The provider refused the request: look at {model} and {url}.")
    return text.format(key=names.key, model=names.model, url=names.url)


def _fix_of_silence(cause: Exception, error: Exception, names: Names) -> str:
    """What to do when no status came."""
    if isinstance(error, (UpstreamTimeout, TimeoutError)):
        return "The provider is slow or cannot be reached: look at the finding on reaching it."
    if isinstance(cause, (aiohttp.ClientError, OSError)):
        return "It cannot be reached: look at the finding on reaching it."
    return f"What answers is no such API: correct {names.url}."

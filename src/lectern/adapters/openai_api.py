"""What OpenAI and the servers that speak its language are called, and where they differ."""

from typing import Final

from lectern.adapters.provider import Provider

_OWN_HOST: Final = "api.openai.com"

REFUSED: Final = frozenset({400, 422})
"""The statuses of a request with something in it that the server does not know; which, its complaint says."""


def is_openai(provider: Provider) -> bool:
    """Whether this is OpenAI itself."""
    return provider.host == _OWN_HOST


def kind_of(provider: Provider, model: str) -> str:
    """A model as reports call it."""
    return f"OpenAI {model}" if is_openai(provider) else f"{model} at {provider.host}"

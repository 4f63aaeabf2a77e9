"""Settings → the rules of which pages may call."""

import re

from lectern.config import Settings
from lectern.web.origins import OriginRules


def build_origin_rules(settings: Settings) -> OriginRules:
    """The rules; without a Space's variables this is a machine for development."""
    return OriginRules(
        settings.cors_allowed_origins, space_hosts=settings.space_host, development=settings.space_id is None
    )


def explain_origin(settings: Settings, url: str) -> tuple[str, bool]:
    """Whether the page at an address may call, as `(sentences for a person, may it)`.

    Args:
        settings: The server's.
        url: An origin, or a page's whole address: a browser sends only the origin of it.
    """
    origin = re.sub(r"(?<=[^:/])[/?#].*", "", url)
    rules = build_origin_rules(settings)
    verdict = rules.judge(origin)
    if verdict.allowed:
        return f"{origin} is allowed: {verdict.rule}.", True
    return f"{origin} is not allowed: {verdict.rule}. {rules.hint(origin)}", False

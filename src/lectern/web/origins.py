"""Which pages may call: the rules, as one object that is asked for a verdict. No I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lectern.origin_address import Origin, OriginPattern, read

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
NOT_LISTED = "not listed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether pages of an origin may call, and the rule that says so."""

    allowed: bool
    rule: str


class OriginRules:
    """The rules of one server.

    Args:
        listed: Origins and patterns, as `origin_address.normal` writes them.
        space_hosts: The host names of the Space that this is; their pages are its own.
        development: Whether pages on this very machine may call. On a server they would be a visitor's machine.
    """

    def __init__(
        self, listed: Iterable[str] = (), *, space_hosts: Iterable[str] = (), development: bool = False
    ) -> None:
        entries = [read(entry) for entry in listed]
        self._exact = {str(entry): entry for entry in entries if isinstance(entry, Origin)}
        self._patterns = [entry for entry in entries if isinstance(entry, OriginPattern)]
        self._space_hosts = frozenset(space_hosts)
        self._development = development

    def judge(self, text: str, *, host: str = "", scheme: str = "http") -> Verdict:
        """Judge an `Origin` header.

        Args:
            text: The header. Anything but an http or https origin is not allowed, `null` included.
            host: The request's `Host` header: a page that the server itself has sent may call it. Left out, this is
                not asked; a browser wants no CORS headers for it.
            scheme: The request's scheme. A server that is reached by https has no pages of its own over http.
        """
        try:
            origin = Origin.parse(text)
        except ValueError:
            return Verdict(allowed=False, rule=NOT_LISTED)
        rule = self._rule(origin) or ("own host" if _is_own(origin, host, scheme) else None)
        return Verdict(allowed=rule is not None, rule=rule or NOT_LISTED)

    def hint(self, text: str) -> str:
        """What to do about an origin that is not allowed, in a sentence: what is nearly right about it, if anything."""
        if text == "null":
            return "Sandboxed frames and local files are null: serve the page from a site."
        for near, why in _near(text):
            try:
                origin = Origin.parse(near)
            except ValueError:
                continue
            if self._rule(origin):
                return f"{origin} is allowed; {why}."
            if origin.host in _LOOPBACK and not self._development:
                return "Pages on localhost may call in development only; here, list them if you mean it."
            for listed in self._exact.values():
                if (listed.scheme, listed.host) == (origin.scheme, origin.host):
                    return f"{listed} is allowed; another port is another origin."
        return "Add it to CORS_ALLOWED_ORIGINS if it is a site of yours."

    @property
    def sentences(self) -> list[str]:
        """The rules for people, one phrase each; the server's own pages may always call and are left out."""
        phrases = [*self._exact, *map(str, self._patterns), *(f"https://{host}" for host in sorted(self._space_hosts))]
        return [*phrases, "localhost in development"] if self._development else phrases

    def _rule(self, origin: Origin) -> str | None:
        name = str(origin)
        if name in self._exact:
            return f"exact {name}"
        for pattern in self._patterns:
            if pattern.matches(origin):
                return f"pattern {pattern}"
        if origin.scheme == "https" and origin.authority in self._space_hosts:
            return "the Space's host"
        if self._development and origin.scheme == "http" and origin.host in _LOOPBACK:
            return "localhost in development"
        return None


def _is_own(origin: Origin, host: str, scheme: str) -> bool:
    """Whether the page's host is the request's.

    No page can forge its browser's `Host` header. A stranger who points a name at this server has pages that pass, but
    no reader's browser has credentials of ours for that name.
    """
    if scheme == "https" and origin.scheme != "https":
        return False
    default = ":443" if origin.scheme == "https" else ":80"
    return origin.authority == host.lower().removesuffix(default)


def _near(text: str) -> Iterator[tuple[str, str]]:
    """Origins that a person may have meant, and what is wrong with the one that was written."""
    if "://" not in text:
        text = f"https://{text}"
        yield text, "an origin begins with its scheme"
    outline = re.match(r"([^:]*)://([^/?#]*)", text)
    scheme, authority = outline.groups() if outline else ("", "")
    yield f"{scheme}://{authority}", "an origin ends before the first slash after its host"
    other = "http" if scheme == "https" else "https"
    yield f"{other}://{authority}", f"{scheme} and {other} are two origins"
    with_or_without = authority.removeprefix("www.") if authority.startswith("www.") else f"www.{authority}"
    yield f"{scheme}://{with_or_without}", "a name with www and one without are two origins"
    yield (
        f"{scheme}://{authority.partition('.')[2]}",
        "a * stands for one part of a name, and an origin for itself only",
    )

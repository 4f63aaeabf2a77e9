"""Origins as people write them and as browsers send them, made into one form; and patterns of origins.

Addresses are read as browsers read them (WHATWG, by pydantic-core): upper case, `:443`, `bücher.example` and its
punycode are one origin. Nothing here asks the network.
"""

import re
from dataclasses import dataclass

from pydantic_core import Url

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(r"https?://[^\s/?#@\\*]+", re.IGNORECASE | re.ASCII)
# Scheme, name (253 bytes, RFC 1035) and port, with some room for other alphabets; a header can be as long as a head.
_LONGEST = 300
_AFTER_HOST = re.compile(r"[/?#\\]")
_LABEL = re.compile(r"[a-z0-9-]*\*[a-z0-9-]*", re.ASCII)
# What stands in for the * while an address is read; a letter, so that no number becomes an IP address by it.
_STAND_IN = "x"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who a page says it is: `scheme`, `host` (lower case, punycode, IPv6 in brackets), `port` (None: the default)."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read `scheme://host[:port]`, and nothing more than that.

        Raises:
            ValueError: It is no http or https origin.
        """
        if len(text) > _LONGEST or not _SHAPE.fullmatch(text):
            raise ValueError("not an origin as https://docs.example.org")
        try:
            url = Url(text)
        except ValueError:
            raise ValueError("the host or the port cannot be read") from None
        if not url.host or "" in url.host.split("."):
            raise ValueError("the host has an empty part")
        return cls(url.scheme, url.host, None if url.port == _DEFAULT_PORTS[url.scheme] else url.port)

    @property
    def authority(self) -> str:
        """Host and port, as a `Host` header has them."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class OriginPattern:
    """Origins that differ in a part of their first label: `start*end` directly under `domain`, over https."""

    start: str
    end: str
    domain: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "OriginPattern":
        """Read `https://start*end.domain[:port]`.

        Raises:
            ValueError: The * stands where it may not, or the rest is no https origin.
        """
        scheme, _, rest = text.lower().partition("://")
        label, _, _ = rest.partition(".")
        if not _LABEL.fullmatch(label) or "*" in rest[len(label) :]:
            raise ValueError("one * may stand in the first part of the host, beside a-z, 0-9 and -")
        if scheme != "https":
            raise ValueError("a pattern is https only: over http, anybody on the way can speak for such a page")
        origin = Origin.parse(f"{scheme}://{rest.replace('*', _STAND_IN)}")
        first, _, domain = origin.host.partition(".")
        if first != label.replace("*", _STAND_IN) or not domain:
            raise ValueError("there is no domain after the *")
        start, _, end = label.partition("*")
        return cls(start, end, domain, origin.port)

    def matches(self, origin: Origin) -> bool:
        """Whether it is one of them; the * stands for one or more of a-z, 0-9 and -, never for a dot."""
        return re.fullmatch(self.regex, str(origin), re.ASCII) is not None

    @property
    def regex(self) -> str:
        """The pattern as a regular expression for the whole of an origin."""
        start, *rest = (re.escape(part) for part in str(self).split("*"))
        return rf"\A{start}[a-z0-9-]+{rest[0]}\Z"

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"https://{self.start}*{self.end}.{self.domain}{port}"


def read(entry: str) -> Origin | OriginPattern:
    """An origin or a pattern, from its text.

    Raises:
        ValueError: It is neither.
    """
    return OriginPattern.parse(entry) if "*" in entry else Origin.parse(entry)


def normal(entry: str) -> str:
    """What may stand in a list of allowed origins, in its one form.

    Raises:
        ValueError: It is no origin, or a pattern that strangers' pages match too; the message says why and what to
            write instead.
    """
    try:
        found = read(_without_rest(entry))
        if isinstance(found, OriginPattern):
            _refuse_strangers(found)
    except ValueError as error:
        msg = f"{entry!r}: {error}"
        raise ValueError(msg) from None
    return str(found)


def _without_rest(entry: str) -> str:
    """The entry without a last slash, once it is sure that nothing else is wrong with its outline."""
    if entry == "*":
        raise ValueError("every page could call with its reader's credentials; list your sites")
    if entry.lower() == "null":
        raise ValueError(
            "every sandboxed frame and every local file is null; list the site that the page is served from"
        )
    scheme, separator, rest = entry.partition("://")
    if not separator:
        raise ValueError(f"the scheme is missing; write https://{entry}")
    if scheme.lower() not in _DEFAULT_PORTS:
        raise ValueError("only http and https pages call; write https://…")
    host = rest.removesuffix("/")
    if "@" in host or _AFTER_HOST.search(host):
        origin = f"{scheme}://{_AFTER_HOST.split(host)[0].rpartition('@')[2]}"
        raise ValueError(f"an origin has no user, path or query; write {origin}")
    if re.search(r":\*$", host):
        raise ValueError("a port has no pattern; list each, or none: in development any port of localhost may call")
    return f"{scheme}://{host}"


def _refuse_strangers(pattern: OriginPattern) -> None:
    """Refuse a pattern under a name where anybody can have names, by the public suffix list that the library brings.

    Directly under a hosting company's name (`vercel.app`), an end of one's own is taken: previews are named
    `…-team.vercel.app`. Directly under a registry's (`com`, `app`) nothing is.
    """
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - 0.1 s, and few lists hold a pattern

    if not PublicSuffixList().is_public(pattern.domain):
        return
    if PublicSuffixList(only_icann=True).is_public(pattern.domain):
        raise ValueError(f"anybody can register a name under {pattern.domain}; write a domain of yours after the *")
    if not re.fullmatch(r"-[a-z0-9-]*[a-z0-9]", pattern.end):
        raise ValueError(
            f"anybody can have a page at {pattern.domain}; write the end that only yours have, as "
            f"https://*-team.{pattern.domain}, or list each site"
        )

"""A page of a front end as its browser lets it call.

Preflights, credentials and cookies are as in the Fetch standard and RFC 6265bis, with the strictest browser's view of
third-party cookies: kept apart for each site (CHIPS), or not at all. What a browser would hide from the page, or refuse
to keep, raises `Blocked` here.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx2

_SIMPLE_METHODS: Final = {"GET", "HEAD", "POST"}
_SAFELISTED: Final = {"accept", "accept-language", "content-language"}


class Blocked(Exception):
    """The browser keeps this from the page; the text says by which rule."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie as the browser keeps it.

    Attributes:
        value: What is sent back.
        attributes: Its attributes, names in lower case; a flag's value is empty.
    """

    value: str
    attributes: dict[str, str]


@dataclass(slots=True)
class Answer:
    """What the page's code gets from `fetch`.

    Attributes:
        status: The status.
        headers: Those that the page may read.
        text: The body.
    """

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass(slots=True)
class Page:
    """A page that is open in a browser.

    Attributes:
        origin: The page's own.
        api: Where its front end was told that the backend is: scheme and host as the browser sees them.
        port: Where the service really listens; where `api` is https, a proxy that ends TLS is played in front of it.
        cookies: The jar of this browser for `api` and this page's site.
    """

    origin: str
    api: str
    port: int
    cookies: dict[str, Cookie] = field(default_factory=dict)

    def fetch(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        credentials: Literal["omit", "include"] = "omit",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """`fetch(api + path, {method, headers, body, credentials, mode: "cors"})`.

        Raises:
            Blocked: The page would get a TypeError, or a cookie would be dropped.
        """
        asked = {name: value.strip() for name, value in (headers or {}).items()}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            asked["Content-Type"] = "application/json"
        unsafe = sorted(name.lower() for name in asked if name.lower() not in _SAFELISTED)
        if method not in _SIMPLE_METHODS or unsafe:
            self._preflight(method, path, unsafe, credentials)
        if credentials == "include" and self.cookies:
            asked["Cookie"] = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        response = self._send(method, path, content, asked)
        if credentials == "include":
            for header in response.headers.get_list("set-cookie"):
                self._keep(header)
        self._may_read(response.headers, credentials)
        exposed = {name.strip().lower() for name in response.headers["access-control-expose-headers"].split(",")}
        readable = exposed | {"content-type", "cache-control", "content-length"}
        shown = {name: value for name, value in response.headers.items() if name in readable}
        return Answer(response.status_code, shown, response.text)

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> httpx2.Response:
        api = urlsplit(self.api)
        headers = headers | {"Origin": self.origin, "Host": api.netloc, "User-Agent": "Mozilla/5.0"}
        if api.scheme == "https":
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        # A client without a jar of its own: this class is the browser.
        with httpx2.Client(timeout=60) as client:
            return client.request(method, f"http://127.0.0.1:{self.port}{path}", content=content, headers=headers)

    def _preflight(self, method: str, path: str, unsafe: list[str], credentials: str) -> None:
        asking = {"Access-Control-Request-Method": method}
        if unsafe:
            asking["Access-Control-Request-Headers"] = ",".join(unsafe)
        response = self._send("OPTIONS", path, None, asking)
        if not response.is_success:
            raise Blocked(f"the preflight was answered {response.status_code}: {response.text[:200]}")
        self._may_read(response.headers, credentials)
        methods = {name.strip() for name in response.headers.get("access-control-allow-methods", "").split(",")}
        if method not in methods | _SIMPLE_METHODS:
            raise Blocked(f"{method} is not one of {methods}")
        allowed = response.headers.get("access-control-allow-headers", "").lower().split(",")
        missing = set(unsafe) - {name.strip() for name in allowed}
        if missing:
            raise Blocked(f"{missing} may not be sent")

    def _may_read(self, headers: httpx2.Headers, credentials: str) -> None:
        allowed = headers.get_list("access-control-allow-origin")
        if allowed != [self.origin]:
            raise Blocked(f"Access-Control-Allow-Origin is {allowed}")
        if credentials == "include" and headers.get("access-control-allow-credentials") != "true":
            raise Blocked("credentials are not allowed")

    def _keep(self, header: str) -> None:
        """Keep a cookie, or take it away; a browser drops without a word what this raises for."""
        pair, *rest = (part.strip() for part in header.split(";"))
        name, _, value = pair.partition("=")
        attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in rest)}
        is_secure = self.api.startswith("https://")
        if "secure" in attributes and not is_secure:
            raise Blocked(f"{name} is Secure, and this is not https")
        if name.startswith("__Host-") and (
            "secure" not in attributes or attributes.get("path") != "/" or "domain" in attributes
        ):
            raise Blocked(f"{name} is not for one host alone")
        if self._is_cross_site():
            if attributes.get("samesite", "lax").lower() != "none" or "secure" not in attributes:
                raise Blocked(f"{name} is not for other sites: {attributes}")
            if "partitioned" not in attributes:
                raise Blocked(f"{name} is a third-party cookie that is not partitioned")
        if attributes.get("max-age", "1").startswith(("0", "-")):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = Cookie(value, attributes)

    def _is_cross_site(self) -> bool:
        """Whether page and API are of different sites: scheme and registrable name, here the last two labels."""
        page, api = urlsplit(self.origin), urlsplit(self.api)
        names = [(url.scheme, (url.hostname or "").rsplit(".", 2)[-2:]) for url in (page, api)]
        return names[0] != names[1]

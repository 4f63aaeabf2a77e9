"""Whether a Better Auth server shows the keys that its tokens are signed with, and which algorithms these are for."""

import ssl
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx2

from lectern import key_set
from lectern.adapters.jwks import jwks_url
from lectern.key_set import Jwk
from lectern.ops.findings import Finding

_NAME: Final = "login keys"
_OK, _MISSING, _REFUSED, _MOVED, _BROKEN = 200, 404, frozenset((401, 403)), range(300, 400), 500


async def examine_jwks(base: str, *, tls: ssl.SSLContext | None, seconds: float = 5) -> list[Finding]:
    """Fetch the keys and look at their algorithms.

    Args:
        base: `BETTER_AUTH_URL`.
        tls: Shared by all clients of a process.
        seconds: For the whole fetch.
    """
    url = jwks_url(base)
    try:
        async with httpx2.AsyncClient(verify=tls or True, timeout=seconds) as client:
            response = await client.get(url, headers={"Accept": "application/json"})
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        fix = "Look at the finding on reaching it, and at BETTER_AUTH_URL."
        return [Finding(_NAME, "fail", f"{_place(url)}: {type(error).__name__}", fix)]
    if response.status_code != _OK:
        return [Finding(_NAME, "fail", f"{_place(url)}: status {response.status_code}", _fix(response))]
    try:
        keys = [dict(key) for key in response.json()["keys"]]
    except (ValueError, TypeError, LookupError):
        fix = "Correct BETTER_AUTH_URL: what answers there is no Better Auth server with its jwt plugin."
        return [Finding(_NAME, "fail", f"{_place(url)}: no set of keys", fix)]
    return [_judge(keys, _place(url))]


def examine_pinned(text: str) -> list[Finding]:
    """Look at the algorithms of keys that the operator wrote down.

    Args:
        text: `BETTER_AUTH_JWKS`.
    """
    return [_judge(key_set.read(text), "BETTER_AUTH_JWKS")]


def _judge(keys: Sequence[Jwk], place: str) -> Finding:
    """The finding for a set of keys."""
    if not keys:
        fix = "Sign somebody in once, which makes the first key; the jwt plugin must be in Better Auth's plugins."
        return Finding(_NAME, "fail", f"{place}: no key", fix)
    if any(key_set.is_secret(key) for key in keys):
        fix = "Take it down and make new keys: with it anybody can sign in as anybody."
        return Finding(_NAME, "fail", f"{place} publishes a private key", fix)
    counts = Counter(key_set.algorithm_of(key) for key in keys)
    said = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in sorted(counts.items()))
    found = f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} at {place}: {said}"
    if counts.keys() - key_set.ALGORITHMS.keys():
        fix = "Choose EdDSA, ES256 or RS256 in the jwt plugin's keyPairConfig: those are what verifiers take."
        return Finding(_NAME, "warn", found, fix)
    return Finding(_NAME, "ok", found)


def _fix(response: httpx2.Response) -> str:
    status = response.status_code
    if status == _MISSING:
        return "Correct BETTER_AUTH_URL, and add jwt() to the plugins of Better Auth, which makes this address."
    if status in _MOVED:
        # The host only: a query may hold what is not for a report.
        target = urlsplit(response.headers.get("location", "")).netloc.rpartition("@")[2]
        return f"It redirects to {target or 'another path'}: write the address it ends at in BETTER_AUTH_URL."
    if status in _REFUSED:
        return "Something guards it, as Vercel's Deployment Protection does: keys must be public; open it to all."
    if status >= _BROKEN:
        return "The Better Auth server has a fault: look at its log (its database, its secret)."
    return "Correct BETTER_AUTH_URL."


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"

"""How Lectern's cookies are written: one rule for all of them.

Over https pages of other sites send them too (those that may call at all), apart for each site that embeds the
assistant (`Partitioned`); over plain http, which browsers let no such cookie through, pages on the same machine do.
Scripts read none of them.
"""


def cookie(name: str, value: str, *, seconds: int, secure: bool) -> str:
    """A `Set-Cookie` header.

    Args:
        name: Of the cookie.
        value: ASCII, without blanks, quotes, commas and semicolons.
        seconds: How long a browser keeps it; 0 takes it away.
        secure: Whether the request came over https.
    """
    site = "None; Secure; Partitioned" if secure else "Lax"
    return f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite={site}"

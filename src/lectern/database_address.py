"""Database addresses as people and platforms write them, made into the one form that SQLAlchemy and libpq take.

Standard library only. No message here repeats any part of an address: it holds a password.
"""

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

SQLITE = "sqlite:///"
POSTGRES = "postgresql+psycopg2"
WANTED = "an address that starts with sqlite:/// or postgresql://"

_SCHEME = re.compile(r"(postgres|postgresql)(\+\w+)?", re.ASCII)
# https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-PARAMKEYWORDS, the version psycopg2's wheel brings.
# `replication` is left out on purpose: such a connection takes no SQL of ours.
_LIBPQ = frozenset(
    """
    application_name channel_binding client_encoding connect_timeout dbname fallback_application_name gssdelegation
    gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname
    load_balance_hosts options passfile password port require_auth requirepeer service ssl_max_protocol_version
    ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslmode sslnegotiation
    sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout user
    """.split()
)
# asyncpg's own word for `sslmode`; it also takes truth values.
_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
_NEON_POOLER = re.compile(r"^([^.]+)-pooler(\.(?:[\w-]+\.)*neon\.tech(?::\d+)?)$", re.ASCII | re.IGNORECASE)


def normal(address: str) -> str:
    """The address with the one scheme and only the options that its database knows.

    Args:
        address: `sqlite:///path`, or Postgres in any common form: `postgres://`, `postgresql://`, with any driver's
            name (`+asyncpg`), as a shell line of Neon's console (`psql 'postgresql://…'`).

    Raises:
        ValueError: It is none of these; the message says what is wanted, and nothing of what was given.
    """
    address = address.strip().removeprefix("psql ").strip().strip("'\"")
    if address.startswith(SQLITE):
        return address
    scheme, _, _ = address.partition("://")
    if not _SCHEME.fullmatch(scheme.lower()):
        raise ValueError(WANTED)
    parts = _split(address)
    options = _options(parts.query)
    credentials, _, place = parts.netloc.rpartition("@")
    if not place and not {"host", "hostaddr", "service"} & options.keys():
        raise ValueError("an address that names a host: postgresql://user:password@host/name")
    # Written again, so that a character that would end the password for another reader of addresses is encoded.
    user, _, password = (quote(unquote(part), safe="") for part in credentials.partition(":"))
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    query = f"?{urlencode(options)}" if options else ""
    return f"{POSTGRES}://{login}{place}{parts.path}{query}"


def is_postgres(address: str) -> bool:
    """Whether a normal address names a Postgres server, rather than a file."""
    return address.startswith(POSTGRES)


def direct(address: str) -> str:
    """The address of the server itself where a normal address names Neon's pooler, else the address unchanged.

    Neon's rule: the host of the pooler is that of the server with `-pooler` behind its first label
    (https://neon.com/docs/connect/connection-pooling).
    """
    parts = urlsplit(address)
    login, at, place = parts.netloc.rpartition("@")
    server = _NEON_POOLER.sub(r"\1\2", place)
    return parts._replace(netloc=f"{login}{at}{server}").geturl() if server != place else address


def place(address: str) -> str:
    """Where the database of a normal address is, for people: without login and options."""
    if address.startswith(SQLITE):
        return address.removeprefix(SQLITE).partition("?")[0]
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")
    return f"{host}{parts.path}"


def _split(address: str) -> SplitResult:
    """The parts of an address, if they are where they belong."""
    wanted = "postgresql://user:password@host/name, with : / ? # @ % in the password written as %XX"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError(wanted) from None
    if parts.fragment:
        raise ValueError(wanted)
    return parts


def _options(query: str) -> dict[str, str]:
    """The options that libpq knows; those of other drivers and tools are dropped, as they mean nothing here."""
    options = dict(parse_qsl(query))
    if (ssl := options.pop("ssl", None)) is not None:
        options.setdefault("sslmode", _SSL.get(ssl.lower(), ssl.lower()))
    return {name: value for name, value in options.items() if name in _LIBPQ}

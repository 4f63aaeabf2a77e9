"""Where a reader is, as limits count it. No I/O."""

from ipaddress import IPv6Network, ip_address


def client_address(host: str | None) -> str:
    """The address that one reader has: IPv4, or the /64 network of an IPv6 one, empty when it is not known.

    A provider gives each customer at least a /64 (RFC 6177), whose devices choose any of its 2^64 addresses and change
    them daily (RFC 8981), so a single address of it tells nobody apart. IPv4 in the clothes of IPv6 counts as IPv4.

    Args:
        host: The peer, or whom a trusted proxy names; None and what is no address (a Unix socket) are not known.
    """
    if not host:
        return ""
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if address.version == 4:  # noqa: PLR2004 - the protocol's own number
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))

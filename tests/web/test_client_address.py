"""Where a reader is."""

import pytest

from lectern.web.client_address import client_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", ""),
        ("999.1.1.1", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_what_counts_as_one_reader_s_address(host: str | None, address: str) -> None:
    """All that one customer of a provider can choose from is one; what is no address is not known."""
    assert client_address(host) == address

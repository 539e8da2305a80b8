"""Who counts as coming from one network."""

import pytest

from moderation.accounts import network_tag

SECRET = "s" * 32


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.200", True),
        ("198.51.100.7", "198.51.101.7", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        # What a socket for both kinds calls an IPv4 visitor.
        ("::ffff:198.51.100.7", "198.51.100.200", True),
        ("::ffff:198.51.100.7", "::ffff:203.0.113.7", False),
        ("::ffff:198.51.100.7", "::1", False),
        ("not an address", "", True),
    ],
)
def test_a_network_is_24_bits_of_ipv4_and_64_of_ipv6(one: str, other: str, same: bool) -> None:
    tags = [network_tag(address, secret=SECRET) for address in (one, other)]
    assert (tags[0] == tags[1]) is same
    assert all(len(tag) == 24 and one not in tag for tag in tags)

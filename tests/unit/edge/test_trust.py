"""Who is behind a trusted proxy, and that nobody else's word counts."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.trust import Client, Trust

TRUST = Trust([ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")])
PEER = "10.0.0.1"


def seen(*values: bytes, peer: str = PEER, trust: Trust = TRUST) -> Client:
    headers = [(b"Accept", b"*/*"), *((b"X-Forwarded-For", value) for value in values)]
    return trust.client(peer, [name.lower() for name, _ in headers], headers)


@pytest.mark.parametrize(
    ("peer", "is_believed"),
    [
        ("10.0.0.1", True),
        ("10.255.255.255", True),
        ("11.0.0.1", False),
        ("fd00::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:11.0.0.1", False),
        ("unix", True),
        ("not an address", False),
    ],
)
def test_only_listed_peers_are_believed(peer: str, is_believed: bool) -> None:
    assert TRUST.believes(peer) is is_believed
    assert TRUST.believes(peer) is is_believed, "the same when it is remembered"
    assert not Trust().believes(peer), "nobody is, where nobody is listed"


@pytest.mark.parametrize(
    ("values", "client", "hops"),
    [
        ([], PEER, None),
        ([b"203.0.113.7"], "203.0.113.7", b"203.0.113.7"),
        ([b"203.0.113.7, 10.0.0.9"], "203.0.113.7", b"203.0.113.7, 10.0.0.9"),
        ([b"203.0.113.7", b"10.0.0.9"], "203.0.113.7", b"203.0.113.7, 10.0.0.9"),
        ([b"6.6.6.6, 203.0.113.7"], "203.0.113.7", b"203.0.113.7"),
        ([b"6.6.6.6,  203.0.113.7 ,10.0.0.9"], "203.0.113.7", b"203.0.113.7, 10.0.0.9"),
        ([b"10.0.0.8, 10.0.0.9"], "10.0.0.8", b"10.0.0.8, 10.0.0.9"),
        ([b"203.0.113.7:4711"], "203.0.113.7", b"203.0.113.7"),
        ([b"[2001:DB8::1]:4711"], "2001:db8::1", b"2001:db8::1"),
        ([b"2001:db8::1"], "2001:db8::1", b"2001:db8::1"),
        ([b"unknown"], PEER, None),
        ([b"203.0.113.7, unknown"], PEER, None),
        ([b"203.0.113.7, unknown, 10.0.0.9"], "10.0.0.9", b"10.0.0.9"),
        ([b""], PEER, None),
        ([b"203.0.113.7,"], PEER, None),
        ([b"203.0.113.7\x00"], PEER, None),
        ([b"fe80::1%eth0"], PEER, None),
        ([b'2001:db8::1%";for=6.6.6.6'], PEER, None),
        ([b"2001:db8::1%\xe9"], PEER, None),
        ([b"2001:db8::1%x, 10.0.0.9"], "10.0.0.9", b"10.0.0.9"),
    ],
)
def test_the_walk_goes_from_the_right_to_the_first_that_no_proxy_of_ours_vouches_for(
    values: list[bytes], client: str, hops: bytes | None
) -> None:
    assert seen(*values) == Client(client, hops)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_whatever_is_sent_the_client_is_an_address_and_the_hops_are_plain(values: list[bytes]) -> None:
    found = seen(*values)
    ipaddress.ip_address(found.address)
    for hop in (found.hops or b"127.0.0.1").decode("ascii").split(", "):
        ipaddress.ip_address(hop)


@given(st.ip_addresses(v=4), st.lists(st.ip_addresses(v=4), max_size=4))
def test_what_a_client_writes_itself_never_names_it(own: ipaddress.IPv4Address, forged: list[object]) -> None:
    """The proxy appends the address that it saw; whatever stood there before is the client's own invention."""
    value = ", ".join([*map(str, forged), str(own)]).encode()
    found = seen(value)
    if not TRUST.believes(str(own)):
        assert found == Client(str(own), str(own).encode())

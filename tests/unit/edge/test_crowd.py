"""Connections of one client, counted by its address."""

import pytest

from proxy.edge.crowd import Crowd, client_of


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::9", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", None),
        ("", None),
        (":nonsense:", None),
    ],
)
def test_a_client_is_its_address_or_its_own_network(peer: str, client: str | None) -> None:
    assert client_of(peer) == client


def test_nobody_has_more_than_the_limit_and_who_leaves_makes_room() -> None:
    crowd = Crowd(2)
    assert [crowd.enter("192.0.2.1") for _ in range(3)] == ["192.0.2.1", "192.0.2.1", False]
    assert crowd.enter("192.0.2.2") == "192.0.2.2"
    crowd.leave("192.0.2.1")
    assert crowd.enter("192.0.2.1") == "192.0.2.1"


def test_nothing_is_kept_of_clients_that_left() -> None:
    crowd = Crowd(1)
    crowd.enter("2001:db8::1")
    crowd.leave("2001:db8::/64")
    crowd.leave("2001:db8::/64")
    assert len(crowd) == 0


def test_without_a_limit_nobody_is_counted() -> None:
    crowd = Crowd(None)
    assert crowd.enter("192.0.2.1") is None
    assert len(crowd) == 0

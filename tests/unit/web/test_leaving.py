"""The state of a sign-out: good in the browser that left, for the IdP it left for, under any key of the ring."""

import pytest

from proxy.identity import IdpId
from proxy.session.codec import NONCE_BYTES, KeyRing, SealingKey
from proxy.web.leaving import STATE_BYTES, Departure, depart, departed_to, origin_of, returned

OLD, NEW = (SealingKey(secret=letter * 32) for letter in (b"o", b"n"))
RING = KeyRing(keys=(NEW, OLD))
CORP = IdpId("corp")


def leave(ring: KeyRing = RING, number: int = 1) -> Departure:
    return depart(ring, CORP, is_secure=True, entropy=bytes([number]) * (STATE_BYTES + NONCE_BYTES))


def value(departure: Departure) -> str:
    return departure.set_cookie.partition("=")[2].partition(";")[0]


def test_who_left_comes_back() -> None:
    gone = leave()
    assert departed_to(RING, gone.state, value(gone), is_secure=True) == CORP


def test_a_key_that_is_no_longer_first_still_opens() -> None:
    gone = leave(KeyRing(keys=(OLD,)))
    assert departed_to(RING, gone.state, value(gone), is_secure=True) == CORP


@pytest.mark.parametrize("cookie", [None, "", "A", "!!!", "é", "AAAA" * 30])
def test_another_cookie_is_none_of_ours(cookie: str | None) -> None:
    assert departed_to(RING, leave().state, cookie, is_secure=True) is None


def test_one_departures_cookie_does_not_serve_another() -> None:
    first, second = leave(number=1), leave(number=2)
    assert departed_to(RING, first.state, value(second), is_secure=True) is None


def test_the_cookie_is_a_sign_in_attempts_neighbour_so_the_app_never_sees_it() -> None:
    assert leave().set_cookie.startswith("__Host-muster-a-")
    name, forgetting = returned(leave().state, is_secure=True)
    assert (name, "Max-Age=0" in forgetting) == ("Set-Cookie", True)


def test_an_origin_has_no_path() -> None:
    assert origin_of("https://idp.example.com:8443/realms/x?y=1") == "https://idp.example.com:8443"

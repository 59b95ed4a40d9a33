import pytest
from aiohttp.test_utils import make_mocked_request

from proxy.web.visitor import cookies_of, is_script, key_of, peer_of, session_of
from tests.fakes.web import NAVIGATE, SCRIPT, Control, cookie_session


def test_a_navigation_and_a_script_are_told_apart_as_the_gate_does() -> None:
    assert not is_script(make_mocked_request("GET", "/", headers=NAVIGATE))
    assert is_script(make_mocked_request("GET", "/", headers=SCRIPT))
    assert is_script(make_mocked_request("GET", "/"))


def test_an_address_may_speak_for_a_request_that_says_nothing_and_for_no_script() -> None:
    assert not is_script(make_mocked_request("GET", "/?navigation=1"))
    assert is_script(make_mocked_request("GET", "/?navigation=0"))
    assert is_script(make_mocked_request("GET", "/?navigation=1", headers=SCRIPT))


def test_the_peer_is_what_the_edge_says() -> None:
    assert peer_of(make_mocked_request("GET", "/", headers={"X-Muster-Peer": "192.0.2.9"})) == "192.0.2.9"
    assert peer_of(make_mocked_request("GET", "/")) == ""


def test_cookies_are_read() -> None:
    assert cookies_of(make_mocked_request("GET", "/", headers={"Cookie": "a=1"})) == {"a": ("1",)}


@pytest.mark.parametrize("cookie", ["", "short", "x" * 43, "é" * 43, "a" * 42 + "é"])
async def test_a_foreign_cookie_is_no_session(cookie: str) -> None:
    request = make_mocked_request("GET", "/", headers={"Cookie": f"__Host-muster={cookie}"})
    assert await session_of(Control().parts, request) is None


async def test_our_cookie_opens_its_session_until_it_is_too_old() -> None:
    control = Control()
    made, cookie = cookie_session()
    control.sessions.sessions[made.key] = made
    request = make_mocked_request("GET", "/", headers={"Cookie": f"__Host-muster={cookie}"})
    assert key_of(control.parts, request) == made.key
    assert await session_of(control.parts, request) == made
    control.now += 31 * 86400
    assert await session_of(control.parts, request) is None


async def test_two_competing_cookies_are_none() -> None:
    control = Control()
    made, cookie = cookie_session()
    _, other = cookie_session(2)
    control.sessions.sessions[made.key] = made
    request = make_mocked_request(
        "GET", "/", headers={"Cookie": f"__Host-muster={cookie}; __Host-muster={other}"}
    )
    assert await session_of(control.parts, request) is None

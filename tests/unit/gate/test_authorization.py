"""What counts as a bearer token in a request, and the names that are made of it."""

import hashlib

import pytest

from proxy.gate.authorization import DOUBLED, bearer_key, cache_name, presented, token_in
from proxy.gate.decision import Request
from proxy.session.cookie import new_cookie, session_key


def request(*fields: tuple[bytes, bytes]) -> Request:
    return Request(
        method=b"GET",
        target=b"/",
        path=b"/",
        headers=list(fields),
        names=[name.lower() for name, _ in fields],
        host=b"app.example.com",
        cookie=None,
        peer="127.0.0.1",
        scheme="https",
    )


@pytest.mark.parametrize(
    "value", [b"Bearer abc", b"bearer abc", b"BEARER   abc", b"Bearer", b"Bearer ,x", b"Bearer "]
)
def test_the_scheme_is_bearer_in_any_case_even_without_a_token(value: bytes) -> None:
    assert presented(request((b"Accept", b"*/*"), (b"Authorization", value))) == value


@pytest.mark.parametrize("value", [b"", b"Basic YTpi", b"Bearerx abc", b"DPoP abc", b"Negotiate Bearer abc"])
def test_another_scheme_is_none_of_ours(value: bytes) -> None:
    assert presented(request((b"Authorization", value))) is None


def test_without_the_field_there_is_nothing() -> None:
    assert presented(request((b"Proxy-Authorization", b"Bearer abc"))) is None


@pytest.mark.parametrize("second", [b"Bearer abc", b"Basic YTpi", b""])
def test_two_fields_are_never_one(second: bytes) -> None:
    doubled = request((b"Authorization", b"Bearer abc"), (b"AUTHORIZATION", second))
    assert presented(doubled) is DOUBLED


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer abc", "abc"),
        (b"bearer  a-B_c.~+/1==", "a-B_c.~+/1=="),
        (b"Bearer abc \t", "abc"),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"Bearer a b", None),
        (b"Bearer a,b", None),
        (b"Bearer =a", None),
        (b'Bearer "a"', None),
        (b"Bearer a\tb", None),
        (b"Bearer\tabc", None),
        ("Bearer é".encode(), None),
        (b"Bearer abc\n", None),
    ],
)
def test_a_token_is_one_word_of_its_alphabet(value: bytes, token: str | None) -> None:
    """RFC 6750 §2.1: b64token."""
    assert token_in(value) == token


def test_no_cookie_value_names_what_a_token_is_cached_under() -> None:
    assert cache_name(b"Bearer abc") != b"Bearer abc"
    assert b"\0" in cache_name(b"Bearer abc"), "which no field can hold"


def test_no_cookie_opens_the_session_of_a_token_whatever_the_token() -> None:
    """A cookie's key is the hash of 32 bytes; a token's is of more, however short it is."""
    hashed = [len(message) for message in hashed_messages("a")]
    assert hashed[0] > 32
    cookie = new_cookie(b"muster bearer".ljust(32, b"x")).encode()
    assert session_key(cookie) not in {bearer_key("x" * length) for length in range(1, 64)}


def hashed_messages(token: str) -> list[bytes]:
    purpose = b"muster: the session of a bearer token\0"
    assert bearer_key(token) == hashlib.sha256(purpose + token.encode()).hexdigest()
    return [purpose + token.encode()]

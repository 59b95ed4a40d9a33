"""The cookie's one spelling, its key, and the headers that set and clear it."""

import hashlib
import re
from base64 import urlsafe_b64encode
from http.cookies import SimpleCookie

import pytest

from proxy.session.cookie import (
    ATTEMPT_SECONDS,
    MAX_ATTEMPTS,
    MOST_ATTEMPT_BYTES,
    VALUE_LENGTH,
    attempt_cookie_name,
    attempt_pattern,
    clear_cookie,
    cookie_name,
    is_attempt_cookie,
    new_cookie,
    session_key,
    set_cookie,
    surplus_attempts,
)

SECRET = bytes(range(32))
VALUE = new_cookie(SECRET)


def test_the_name_is_bound_to_host_and_path_wherever_the_origin_is_secure() -> None:
    assert cookie_name(is_secure=True) == "__Host-muster"
    assert cookie_name(is_secure=False) == "muster"


def test_a_cookie_is_its_entropy_in_base64url() -> None:
    assert VALUE == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert len(VALUE) == VALUE_LENGTH


@pytest.mark.parametrize("entropy", [b"", b"short", bytes(31), bytes(33)])
def test_a_cookie_is_made_of_32_bytes_only(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        new_cookie(entropy)


def test_the_store_knows_a_session_by_the_hash_of_the_random_bytes() -> None:
    assert session_key(VALUE.encode()) == hashlib.sha256(SECRET).hexdigest()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        VALUE.encode() + b"=",
        VALUE.encode()[:-1],
        VALUE.encode() + b"A",
        VALUE.encode()[:-1] + b"9",  # the same 32 bytes to a lenient decoder
        b" " + VALUE.encode()[1:],
        b'"' + VALUE.encode()[1:-1] + b'"',
        b"\x00" * VALUE_LENGTH,
        b"\xff" * VALUE_LENGTH,
        b"!" * VALUE_LENGTH,
        b"=" * VALUE_LENGTH,
        b"A" * 42 + b"\n",
        b"A" * 40 + b"===",
        urlsafe_b64encode(b"\xfb\xef" * 16).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/"),
        b"A" * 100_000,
    ],
)
def test_whatever_else_a_client_sends_is_no_cookie(value: bytes) -> None:
    assert session_key(value) is None


def test_the_cookie_is_for_this_host_alone_and_no_script_sees_it() -> None:
    header = set_cookie("__Host-muster", VALUE, is_secure=True)
    assert header == f"__Host-muster={VALUE}; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_a_lifetime_is_stated_in_seconds() -> None:
    header = set_cookie("__Host-muster-a-x", "v", is_secure=True, max_age=ATTEMPT_SECONDS)
    assert header == "__Host-muster-a-x=v; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"


def test_on_plain_http_the_cookie_is_not_secure_or_the_browser_would_drop_it() -> None:
    assert "Secure" not in set_cookie("muster", VALUE, is_secure=False)


def test_clearing_ends_the_cookie_under_the_same_name_and_path() -> None:
    cleared = SimpleCookie(clear_cookie("__Host-muster", is_secure=True))["__Host-muster"]
    assert (cleared.value, cleared["max-age"], cleared["path"], cleared["secure"]) == ("", "0", "/", True)


def test_an_attempts_cookie_is_named_by_its_state() -> None:
    digits = hashlib.sha256(b"state").hexdigest()[:16]
    assert attempt_cookie_name("state", is_secure=True) == f"__Host-muster-a-{digits}"
    assert attempt_cookie_name("state", is_secure=False) == f"muster-a-{digits}"


def test_any_text_as_a_state_gives_a_name() -> None:
    assert is_attempt_cookie(attempt_cookie_name("\ud800; Path=/evil", is_secure=True), is_secure=True)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "__Host-muster",
        "__Host-muster-a-",
        "__Host-muster-a-0123456789abcde",
        "__Host-muster-a-0123456789abcdef0",
        "__Host-muster-a-0123456789ABCDEF",
        "muster-a-0123456789abcdef",
        "x__Host-muster-a-0123456789abcdef",
    ],
)
def test_other_names_are_no_attempts(name: str) -> None:
    assert not is_attempt_cookie(name, is_secure=True)


def attempts(count: int) -> list[str]:
    return [attempt_cookie_name(f"state-{number}", is_secure=True) for number in range(count)]


@pytest.mark.parametrize(("held", "cleared"), [(0, 0), (9, 0), (10, 1), (13, 4)])
def test_the_oldest_attempts_give_way_so_that_ten_are_never_exceeded(held: int, cleared: int) -> None:
    names = attempts(held)
    sizes = dict.fromkeys(["other", *names, "__Host-muster"], 10)
    surplus = surplus_attempts(sizes, 10, is_secure=True)
    assert surplus == tuple(names[:cleared])
    assert held - len(surplus) + 1 <= MAX_ATTEMPTS


def test_the_oldest_give_way_so_that_all_of_them_fit_one_field() -> None:
    names = attempts(4)
    sizes = dict.fromkeys(names, MOST_ATTEMPT_BYTES // 4)
    assert surplus_attempts({**sizes, "the app's": 9999}, 0, is_secure=True) == ()
    assert surplus_attempts(sizes, 1, is_secure=True) == tuple(names[:1])
    assert surplus_attempts(sizes, MOST_ATTEMPT_BYTES, is_secure=True) == tuple(names)


def test_the_pattern_is_of_just_those_names() -> None:
    for is_secure in (True, False):
        (name,) = [attempt_cookie_name("state", is_secure=is_secure)]
        assert re.fullmatch(attempt_pattern(is_secure=is_secure), name)
        assert not re.fullmatch(attempt_pattern(is_secure=is_secure), name + "0")

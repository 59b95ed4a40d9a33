"""Any bytes as a cookie give an id or None; what we set is read back."""

from http.cookies import SimpleCookie

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.session.cookie import (
    MOST_ATTEMPT_BYTES,
    VALUE_LENGTH,
    attempt_cookie_name,
    cookie_name,
    is_attempt_cookie,
    new_cookie,
    session_key,
    set_cookie,
    surplus_attempts,
)

ENTROPY = st.binary(min_size=32, max_size=32)
BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
LOOKALIKES = st.lists(st.sampled_from(BASE64URL), min_size=VALUE_LENGTH, max_size=VALUE_LENGTH).map(bytes)


@given(st.one_of(st.binary(max_size=64), LOOKALIKES))
@example(b"")
@example(b"A" * VALUE_LENGTH)
def test_any_bytes_give_an_id_or_none(value: bytes) -> None:
    key = session_key(value)
    assert key is None or (len(key) == 64 and set(key) <= set("0123456789abcdef"))


@given(ENTROPY)
def test_every_cookie_we_make_is_known_again(entropy: bytes) -> None:
    assert session_key(new_cookie(entropy).encode()) is not None


@given(ENTROPY, st.integers(0, VALUE_LENGTH - 1), st.sampled_from(BASE64URL))
def test_no_two_spellings_open_one_session(entropy: bytes, at: int, replacement: int) -> None:
    value = new_cookie(entropy).encode()
    other = value[:at] + bytes([replacement]) + value[at + 1 :]
    assert other == value or session_key(other) != session_key(value)


@given(ENTROPY, ENTROPY)
def test_two_cookies_have_one_key_only_if_they_are_one(first: bytes, second: bytes) -> None:
    keys = {session_key(new_cookie(entropy).encode()) for entropy in (first, second)}
    assert len(keys) == len({first, second})


@given(ENTROPY, st.booleans())
def test_a_browser_reads_the_value_that_we_set(entropy: bytes, is_secure: bool) -> None:
    name, value = cookie_name(is_secure=is_secure), new_cookie(entropy)
    assert SimpleCookie(set_cookie(name, value, is_secure=is_secure))[name].value == value


@given(st.text(), st.booleans())
def test_any_state_names_an_attempt_of_this_scheme_only(state: str, is_secure: bool) -> None:
    name = attempt_cookie_name(state, is_secure=is_secure)
    assert is_attempt_cookie(name, is_secure=is_secure)
    assert not is_attempt_cookie(name, is_secure=not is_secure)


@given(
    st.dictionaries(
        st.one_of(st.text(), st.integers(0, 30).map(lambda n: attempt_cookie_name(str(n), is_secure=True))),
        st.integers(0, 4096),
    ),
    st.integers(0, 4096),
)
def test_after_clearing_and_adding_one_no_browser_holds_more_than_ten_nor_too_many_bytes(
    held: dict[str, int], coming: int
) -> None:
    surplus = surplus_attempts(held, coming, is_secure=True)
    kept = {name for name in held if is_attempt_cookie(name, is_secure=True)} - set(surplus)
    size = sum(held[name] for name in kept) + coming
    assert len(kept) + 1 <= 10
    assert size <= MOST_ATTEMPT_BYTES
    assert not surplus or len(kept) == 9 or size + held[surplus[-1]] > MOST_ATTEMPT_BYTES

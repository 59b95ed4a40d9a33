"""Law: any altered callback gives NotTrusted, before any network call."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from proxy.errors import NotTrusted
from proxy.identity import IdpId
from proxy.oidc.flow import Attempt, CallbackError, Code, Prompt, check_callback, safe_return_to, unpack

NOW = 1_800_000_000.0
ISSUER = "https://idp.example.com"
STATE = "s" * 43
ATTEMPT = Attempt(
    idp=IdpId("corp"),
    issuer=ISSUER,
    state=STATE,
    nonce="n" * 43,
    code_verifier="v" * 43,
    return_to="/wiki",
    started_at=NOW,
    is_issuer_expected=True,
)
GENUINE = (("code", "c0de"), ("state", STATE), ("iss", ISSUER))
TEXT = st.text(st.characters(), max_size=60)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["code", "state", "iss", "error", "x"]) | TEXT, TEXT), max_size=6
)


def refused(query: list[tuple[str, str]], now: float = NOW) -> bool:
    try:
        check_callback(query, ATTEMPT, now=now)
    except NotTrusted:
        return True
    return False


def test_the_genuine_callback_is_trusted() -> None:
    assert check_callback(GENUINE, ATTEMPT, now=NOW) == Code(value="c0de")


@given(TEXT)
@example("")
@example(STATE + "s")
@example(STATE[:-1])
@example(STATE.upper())
@example(STATE + "\ud800")
def test_another_state_is_never_trusted(state: str) -> None:
    assume(state != STATE)
    assert refused([("code", "c0de"), ("state", state), ("iss", ISSUER)])


@given(TEXT)
@example("")
@example(ISSUER + "/")
@example("https://evil.example.com")
def test_another_issuer_is_never_trusted(issuer: str) -> None:
    assume(issuer != ISSUER)
    assert refused([("code", "c0de"), ("state", STATE), ("iss", issuer)])


@given(st.sampled_from(GENUINE), TEXT, st.integers(0, 3))
@example(GENUINE[0], "c0de", 0)
def test_a_parameter_said_twice_is_never_trusted(pair: tuple[str, str], value: str, place: int) -> None:
    query = list(GENUINE)
    query.insert(place, (pair[0], value))
    assert refused(query)


@given(st.sampled_from(GENUINE))
def test_a_missing_parameter_is_never_trusted(pair: tuple[str, str]) -> None:
    assert refused([kept for kept in GENUINE if kept != pair])


@given(st.sampled_from(["error", "id_token", "access_token", "response"]), TEXT)
def test_a_code_with_an_error_or_a_token_is_never_trusted(name: str, value: str) -> None:
    assert refused([*GENUINE, (name, value)])


@given(st.floats(allow_nan=False))
@example(NOW + 600.1)
@example(NOW - 60.1)
def test_outside_ten_minutes_nothing_is_trusted(now: float) -> None:
    assume(not -60 <= now - NOW <= 600)
    assert refused(list(GENUINE), now)


@given(QUERIES)
def test_only_the_attempts_own_state_and_issuer_ever_give_an_answer(query: list[tuple[str, str]]) -> None:
    try:
        answer = check_callback(query, ATTEMPT, now=NOW)
    except NotTrusted:
        return
    assert ("state", STATE) in query
    assert ("iss", ISSUER) in query
    assert isinstance(answer, Code | CallbackError)


@given(QUERIES)
def test_without_an_attempt_nothing_is_trusted(query: list[tuple[str, str]]) -> None:
    with pytest.raises(NotTrusted, match="no_attempt"):
        check_callback(query, None, now=NOW)


@given(TEXT)
@example("/\\evil.example.com")
@example("//evil.example.com")
@example("/\t/evil.example.com")
@example("https:/evil")
def test_a_return_address_is_always_a_path_of_this_origin(target: str) -> None:
    path = safe_return_to(target)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isprintable()
    assert len(path) <= 1024


@given(st.binary(max_size=200))
def test_any_bytes_unpack_to_an_attempt_or_none(packed: bytes) -> None:
    assert unpack(packed) is None


@given(TEXT, st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
def test_an_attempt_survives_packing(text: str, flag: bool, moment: float) -> None:
    attempt = Attempt(
        idp=IdpId(text),
        issuer=text,
        state=text,
        nonce=text,
        code_verifier=text,
        return_to=text,
        started_at=moment,
        prompt=Prompt.NONE if flag else None,
        is_issuer_expected=not flag,
    )
    assert unpack(attempt.pack()) == attempt

"""No secret passes, whatever field or text it stands in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.redaction import REDACTED, is_secret_name, redact, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
JWE = "eyJhbGciOiJSU0EtT0FFUCJ9.a2V5.aXY.Y2lwaGVydGV4dA.dGFn"


@pytest.mark.parametrize(
    "name",
    [
        "token", "access_token", "refreshToken", "ID-Token", "client_secret", "clientSecret", "Cookie", "Set-Cookie",
        "Authorization", "password", "code", "CODE", "state", "nonce", "code_verifier", "X-Api-Token", "credentials",
        "api_key", "API_KEY",
    ],
)  # fmt: skip
def test_a_field_of_this_name_holds_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert redact({name: "hunter2"}) == {name: REDACTED}


@pytest.mark.parametrize(
    "name",
    [
        "reason",
        "status_code",
        "error_code",
        "idp",
        "session",
        "email",
        "detail",
        "tokenizer",
        "decode",
        "secretary",
    ],
)
def test_and_of_these_not(name: str) -> None:
    assert not is_secret_name(name)
    assert redact({name: "word"}) == {name: "word"}


@pytest.mark.parametrize("value", [True, False, None, 3, 1.5])
def test_how_many_or_whether_is_no_secret(value: object) -> None:
    assert redact({"refresh_token": value}) == {"refresh_token": value}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"got {JWT} from", f"got {REDACTED} from"),
        (f"got {JWE}", f"got {REDACTED}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {REDACTED}"),
        ("basic dXNlcjpwdw==", f"basic {REDACTED}"),
        ("GET /cb?code=abc&state=xyz", f"GET /cb?code={REDACTED}&state={REDACTED}"),
        ("refresh_token=abc&x=1", f"refresh_token={REDACTED}&x=1"),
        ('{"access_token": "abc", "x": "y"}', f'{{"access_token": "{REDACTED}", "x": "y"}}'),
        ("{'client_secret': 'abc'}", f"{{'client_secret': '{REDACTED}'}}"),
        ("__Host-muster=AAAAAAAAAAAAAAAAAAAAAAAAAAAAA; a=b", f"__Host-muster={REDACTED}; a=b"),
    ],
)
def test_a_text_loses_what_looks_like_one(text: str, left: str) -> None:
    assert redact_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "alice signed in",
        "eyJ is how they begin",
        "basic rules",
        "muster=on",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact_text(text) == text


def test_secrets_are_found_at_every_depth() -> None:
    record = {"a": [{"b": ({"token": "hunter2"}, JWT)}], "c": {"d": {"password": ["hunter2"]}}}
    shown = str(redact(record))
    assert "hunter2" not in shown
    assert JWT not in shown


def test_what_json_cannot_hold_becomes_its_text() -> None:
    assert redact({1: {"x", "y"}, "e": ValueError("no")}) == {"1": ["x", "y"], "e": "no"}


def test_a_structure_that_contains_itself_ends() -> None:
    loop: dict[str, object] = {}
    loop["loop"] = loop
    assert "…" in str(redact(loop))


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_token_in_any_surroundings_is_taken_out(before: str, after: str) -> None:
    assert JWT not in redact_text(f"{before} {JWT} {after}")


@given(
    st.recursive(
        st.none() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=10,
    )
)
def test_redacting_twice_changes_nothing_more(value: object) -> None:
    once = redact(value)
    assert redact(once) == once

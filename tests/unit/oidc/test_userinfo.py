import pytest

from proxy.oidc.claims import Lookup
from proxy.oidc.userinfo import read_userinfo

JSON = "application/json"


def test_a_json_object_is_claims() -> None:
    assert read_userinfo(200, JSON, b'{"sub": "alice"}', "") == {"sub": "alice"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(JSON, b""), (JSON, b"[]"), (JSON, b'{"sub'), ("text/html", b"{}"), ("application/jwt", b"e30.e30.e30")],
)
def test_any_other_body_failed(content_type: str, body: bytes) -> None:
    assert read_userinfo(200, content_type, body, "") is Lookup.FAILED


@pytest.mark.parametrize(
    ("body", "challenge"),
    [
        (b"", 'Bearer error="invalid_token"'),
        (b"", 'Bearer realm="x", error="invalid_token", error_description="gone"'),
        (b'{"error": "invalid_token"}', ""),
    ],
)
def test_a_401_that_names_the_token_invalid_is_a_refusal(body: bytes, challenge: str) -> None:
    assert read_userinfo(401, JSON, body, challenge) is Lookup.REFUSED


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503, 302])
def test_another_status_failed_whatever_it_says(status: int) -> None:
    body = b'{"error": "invalid_token", "sub": "alice"}'
    assert read_userinfo(status, JSON, body, 'Bearer error="invalid_token"') is Lookup.FAILED


@pytest.mark.parametrize("challenge", ["", "Basic realm=x", 'Bearer error="insufficient_scope"'])
def test_a_bare_401_may_be_anybodys_and_failed(challenge: str) -> None:
    assert read_userinfo(401, JSON, b'{"error": "nope"}', challenge) is Lookup.FAILED

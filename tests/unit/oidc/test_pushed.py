import json
from typing import Any

import pytest

from proxy.oidc.flow import with_query
from proxy.oidc.metadata import Metadata
from proxy.oidc.pushed import form_of, push_endpoint, read_pushed
from proxy.oidc.rules import PushUse
from proxy.session.model import Misconfigured, Trouble

ISSUER = "https://idp.example.com"
PLACE = f"{ISSUER}/par"


def metadata(push_endpoint: str | None = PLACE, *, is_push_required: bool = False) -> Metadata:
    return Metadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/auth",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        push_endpoint=push_endpoint,
        is_push_required=is_push_required,
    )


@pytest.mark.parametrize(
    ("use", "offered", "is_required", "result"),
    [
        (PushUse.AUTO, PLACE, False, PLACE),
        (PushUse.AUTO, PLACE, True, PLACE),
        (PushUse.AUTO, None, False, None),
        (PushUse.AUTO, None, True, Misconfigured(code="push_not_offered")),
        (PushUse.ALWAYS, PLACE, False, PLACE),
        (PushUse.ALWAYS, None, False, Misconfigured(code="push_not_offered")),
        (PushUse.NEVER, PLACE, False, None),
        (PushUse.NEVER, None, False, None),
        (PushUse.NEVER, PLACE, True, Misconfigured(code="push_required")),
    ],
)
def test_when_a_request_is_pushed(use: PushUse, offered: str | None, is_required: bool, result: Any) -> None:
    assert push_endpoint(metadata(offered, is_push_required=is_required), use) == result


@pytest.mark.parametrize("endpoint", [f"{ISSUER}/auth", f"{ISSUER}/auth?tenant=a%26b&x="])
def test_what_is_pushed_is_what_the_browser_would_have_carried(endpoint: str) -> None:
    """A query that the endpoint has of its own is not ours to push."""
    parameters = {"state": "a b&c=d", "scope": "openid profile", "login_hint": "é@example.com", "empty": ""}
    assert form_of(with_query(endpoint, parameters), endpoint) == parameters


def answered(body: Any, status: int = 201, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_pushed(status, content_type, text, 7.0)


@pytest.mark.parametrize("status", [200, 201])
def test_the_name_of_a_pushed_request(status: int) -> None:
    name = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
    assert answered({"request_uri": name, "expires_in": 60}, status) == name


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408, 301, 307])
def test_trouble_is_trouble_whatever_it_says(status: int) -> None:
    trouble = Trouble(detail=f"push_http_{status}", retry_after=7.0)
    assert answered({"error": "invalid_client"}, status) == trouble
    assert answered({"request_uri": "urn:x"}, status) == trouble


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        (b"<html>", 201, Trouble(detail="push_not_json", retry_after=7.0)),
        (
            {"error": "temporarily_unavailable"},
            400,
            Trouble(detail="temporarily_unavailable", retry_after=7.0),
        ),
        ({"error": "invalid_client"}, 401, Misconfigured(code="invalid_client")),
        ({"error": "invalid_request"}, 400, Misconfigured(code="invalid_request")),
        ({"error": "<script>"}, 400, Misconfigured(code="unreadable_code")),
        ({"error": "invalid_request", "request_uri": "urn:x"}, 201, Misconfigured(code="invalid_request")),
        ({"request_uri": "urn:x"}, 400, Trouble(detail="push_no_error_code")),
        ({}, 201, Trouble(detail="push_no_request_uri")),
        ({"request_uri": ""}, 201, Trouble(detail="push_no_request_uri")),
        ({"request_uri": 7}, 201, Trouble(detail="push_no_request_uri")),
        ({"request_uri": "urn:a\r\nb"}, 201, Trouble(detail="push_no_request_uri")),
        ({"request_uri": "é"}, 201, Trouble(detail="push_no_request_uri")),
        ({"request_uri": "u" * 2049}, 201, Trouble(detail="push_no_request_uri")),
    ],
)
def test_every_other_answer(body: Any, status: int, result: Any) -> None:
    assert answered(body, status) == result


def test_a_page_is_no_answer() -> None:
    assert answered({"request_uri": "urn:x"}, content_type="text/html") == Trouble(
        detail="push_not_json", retry_after=7.0
    )

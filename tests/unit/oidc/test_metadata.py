from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.oidc.metadata import discovery_url, is_plain_url, read_metadata

ISSUER = "https://idp.example.com/realms/one"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://idp.example.com/auth?tenant=1",
    "token_endpoint": "https://idp.example.com/token",
    "jwks_uri": "https://keys.example.net/jwks",
}


def code_of(**changed: Any) -> str:
    with pytest.raises(NotTrusted) as refusal:
        read_metadata({**DOCUMENT, **changed}, ISSUER)
    return refusal.value.code


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a", "https://a/.well-known/openid-configuration"),
        ("https://a/", "https://a/.well-known/openid-configuration"),
        ("https://a/realms/x", "https://a/realms/x/.well-known/openid-configuration"),
    ],
)
def test_the_document_stands_below_the_issuer(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


def test_what_is_announced_is_read() -> None:
    metadata = read_metadata({**DOCUMENT, "userinfo_endpoint": "https://idp.example.com/me"}, ISSUER)
    assert metadata.token_endpoint == DOCUMENT["token_endpoint"]
    assert metadata.userinfo_endpoint == "https://idp.example.com/me"
    assert metadata.end_session_endpoint is None
    assert not metadata.is_issuer_in_answers


@pytest.mark.parametrize(("stated", "expected"), [(True, True), (False, False), ("true", False), (1, False)])
def test_only_a_plain_true_demands_the_issuer_in_answers(stated: Any, expected: bool) -> None:
    document = {**DOCUMENT, "authorization_response_iss_parameter_supported": stated}
    assert read_metadata(document, ISSUER).is_issuer_in_answers is expected


@pytest.mark.parametrize(
    "issuer", [ISSUER + "/", "https://evil.example.com", ISSUER.upper(), None, 7, [ISSUER]]
)
def test_another_issuers_document_is_refused(issuer: Any) -> None:
    assert code_of(issuer=issuer) == "discovery_issuer_mismatch"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_endpoint_we_need_must_be_announced(name: str) -> None:
    assert code_of(**{name: None}) == "discovery_incomplete"


@pytest.mark.parametrize("name", ["token_endpoint", "userinfo_endpoint", "end_session_endpoint"])
@pytest.mark.parametrize(
    "url", [7, "", "/token", "javascript:alert(1)", "https://", "https://a b", "https://a/#x"]
)
def test_an_endpoint_must_be_a_plain_url(name: str, url: Any) -> None:
    assert code_of(**{name: url}) == "discovery_bad_endpoint"


ALIASES = {
    name: f"https://mtls.example.com/{name}"
    for name in ("token_endpoint", "userinfo_endpoint", "revocation_endpoint")
}


def test_a_client_with_a_certificate_asks_where_it_is_looked_at() -> None:
    document = {
        **DOCUMENT,
        "userinfo_endpoint": "https://idp.example.com/me",
        "revocation_endpoint": "https://idp.example.com/revoke",
        "pushed_authorization_request_endpoint": "https://idp.example.com/par",
        "mtls_endpoint_aliases": {**ALIASES, "authorization_endpoint": "https://evil.example.com/auth"},
    }
    plain, mutual = read_metadata(document, ISSUER), read_metadata(document, ISSUER, is_mutual_tls=True)
    assert plain.token_endpoint == DOCUMENT["token_endpoint"]
    assert mutual.token_endpoint == ALIASES["token_endpoint"]
    assert mutual.userinfo_endpoint == ALIASES["userinfo_endpoint"]
    assert mutual.revocation_endpoint == ALIASES["revocation_endpoint"]
    assert mutual.push_endpoint == "https://idp.example.com/par", "no alias: the endpoint itself"
    assert mutual.authorization_endpoint == DOCUMENT["authorization_endpoint"], (
        "a browser never goes to an alias"
    )
    assert mutual.jwks_uri == DOCUMENT["jwks_uri"]


@pytest.mark.parametrize(
    "aliases", [[], "x", {"token_endpoint": "http://mtls.example.com"}, {"token_endpoint": 7}]
)
def test_an_alias_is_checked_like_what_it_stands_for(aliases: Any) -> None:
    with pytest.raises(NotTrusted):
        read_metadata({**DOCUMENT, "mtls_endpoint_aliases": aliases}, ISSUER, is_mutual_tls=True)
    read_metadata({**DOCUMENT, "mtls_endpoint_aliases": aliases}, ISSUER)


def test_where_requests_are_pushed_is_read() -> None:
    place = "https://idp.example.com/par"
    pushing = read_metadata({**DOCUMENT, "pushed_authorization_request_endpoint": place}, ISSUER)
    assert (pushing.push_endpoint, pushing.is_push_required) == (place, False)
    assert read_metadata({**DOCUMENT, "require_pushed_authorization_requests": True}, ISSUER).is_push_required
    assert not read_metadata(
        {**DOCUMENT, "require_pushed_authorization_requests": "no"}, ISSUER
    ).is_push_required


def test_an_https_issuer_cannot_announce_a_plain_http_endpoint() -> None:
    assert code_of(token_endpoint="http://idp.example.com/token") == "discovery_insecure_endpoint"


def test_an_http_issuer_on_loopback_may() -> None:
    document = {
        "issuer": "http://127.0.0.1:4000",
        "authorization_endpoint": "http://127.0.0.1:4000/auth",
        "token_endpoint": "http://127.0.0.1:4000/token",
        "jwks_uri": "https://127.0.0.1/jwks",
    }
    assert read_metadata(document, "http://127.0.0.1:4000").token_endpoint.startswith("http://")


@pytest.mark.parametrize(
    ("announced", "prompts"),
    [
        (["none", "login"], frozenset({"none", "login"})),
        ([], frozenset()),
        (None, None),
        ("login", None),
        ([1, "login"], None),
    ],
)
def test_the_prompts_that_are_announced_are_known_and_anything_else_says_nothing(
    announced: object, prompts: frozenset[str] | None
) -> None:
    assert read_metadata({**DOCUMENT, "prompt_values_supported": announced}, ISSUER).prompts == prompts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example:8443/x?y=1", True),
        ("http://[::1]:80/", True),
        ("https://user:pw@a.example/", False),
        ("https://a.example:x/", False),
        ("https://a.example:0/", False),
        ("https://[::1/", False),
        ("https://a.example/\n", False),
        ("https://ä.example/", False),
        ("ftp://a.example/", False),
        ("https://a.example/" + "x" * 3000, False),
    ],
)
def test_a_plain_url_has_a_host_and_nothing_hidden(url: str, expected: bool) -> None:
    assert is_plain_url(url) is expected

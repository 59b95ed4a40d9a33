"""Each row of the table in `oidc/access_tokens.py`."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.identity import IdpId, Subject
from proxy.oidc.access_tokens import (
    AccessClaims,
    AccessRules,
    InsufficientScope,
    looks_like_jwt,
    read_introspection,
    verify_access_token,
)
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import LEEWAY
from tests.fakes.idp import NOW, ec_key, ed_key, published, rsa_key, sign

ISSUER = "https://idp.example.com"
OURS = "https://app.example.com"
IDP = IdpRules(id=IdpId("corp"), name="Corp", issuer=ISSUER, client_id="muster")
RULES = AccessRules(idp=IDP, audiences=frozenset({OURS, "urn:app"}))
PLAIN = replace(RULES, takes_plain_jwt=True)
KEYS: KeySet = read_keys(published(rsa_key(), ec_key(), ed_key()))
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": OURS,
    "client_id": "cli",
    "jti": "1",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "scope": "openid api:read",
}
HEADER = {"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}


def token(header: Any = None, key: Any = None, without: tuple[str, ...] = (), **claims: Any) -> str:
    stated = {name: value for name, value in {**CLAIMS, **claims}.items() if name not in without}
    return sign(stated, key or rsa_key(), header or HEADER)


def plain(without: tuple[str, ...] = (), typ: str | None = "JWT", **claims: Any) -> str:
    header = {name: value for name, value in {**HEADER, "typ": typ}.items() if value is not None}
    return token(header, without=without, **claims)


def verify(text: str, rules: AccessRules = RULES, now: float = NOW) -> AccessClaims:
    return verify_access_token(text, KEYS, rules, now=now)


def code_of(text: str, rules: AccessRules = RULES, now: float = NOW) -> str:
    with pytest.raises(NotTrusted) as refusal:
        verify(text, rules, now)
    assert text.split(".")[1] not in str(refusal.value)
    return refusal.value.code


def test_a_good_token_gives_its_claims() -> None:
    claims = verify(token(groups=["engineers"]))
    assert claims.subject == Subject(issuer=ISSUER, subject="alice")
    assert (claims.issued_at, claims.good_until) == (NOW - 5, NOW + 300 + LEEWAY)
    assert claims.payload["groups"] == ["engineers"]


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_is_at_jwt_in_any_case(typ: str) -> None:
    verify(token({**HEADER, "typ": typ}))


@pytest.mark.parametrize("key", [ec_key(), ed_key()])
def test_other_asymmetric_algorithms_pass(key: Any) -> None:
    algorithm = {"ec-1": "ES256", "ed-1": "EdDSA"}[key.kid]
    verify(token({**HEADER, "alg": algorithm, "kid": key.kid}, key=key))


def test_nobody_else_makes_access_claims() -> None:
    with pytest.raises(TypeError):
        AccessClaims(
            subject=Subject(issuer=ISSUER, subject="a"), payload={}, issued_at=0, good_until=0, proof=object()
        )


def test_rules_without_an_audience_are_an_error() -> None:
    with pytest.raises(ValueError, match="audience"):
        AccessRules(idp=IDP, audiences=frozenset())


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": ISSUER + "/"}, "issuer_mismatch"),
        ({"iss": None}, "issuer_mismatch"),
        ({"iss": [ISSUER]}, "issuer_mismatch"),
        ({"aud": "https://other.example.com"}, "audience_mismatch"),
        ({"aud": OURS + "/"}, "audience_mismatch"),
        ({"aud": f"{OURS} urn:app"}, "audience_mismatch"),
        ({"aud": []}, "audience_mismatch"),
        ({"aud": None}, "audience_mismatch"),
        ({"aud": {OURS: 1}}, "audience_mismatch"),
        ({"aud": [[OURS]]}, "audience_mismatch"),
        ({"exp": NOW - LEEWAY}, "expired"),
        ({"exp": None}, "time_missing"),
        ({"exp": "soon"}, "time_malformed"),
        ({"exp": True}, "time_malformed"),
        ({"iat": None}, "time_missing"),
        ({"iat": NOW + LEEWAY + 1}, "issued_in_future"),
        ({"nbf": NOW + LEEWAY + 1}, "not_yet_valid"),
        ({"sub": ""}, "subject_invalid"),
        ({"sub": None}, "subject_invalid"),
        ({"sub": "a\nb"}, "subject_invalid"),
        ({"cnf": {"jkt": "x"}}, "sender_constrained"),
        ({"cnf": {"x5t#S256": "x"}}, "sender_constrained"),
    ],
)
def test_each_claim_is_checked(changed: dict[str, Any], code: str) -> None:
    assert code_of(token(**changed)) == code


def test_one_audience_of_several_is_enough() -> None:
    verify(token(aud=["https://other.example.com", "urn:app"]))


def test_the_leeway_is_that_of_id_tokens() -> None:
    verify(token(exp=NOW - LEEWAY + 1, iat=NOW + LEEWAY - 1, nbf=NOW + LEEWAY - 1))


def test_an_unsigned_token_is_refused() -> None:
    assert code_of(f"{token({**HEADER, 'alg': 'none'}, key=b'x').rpartition('.')[0]}.") == "algorithm_refused"


def test_a_public_key_is_never_an_hmac_secret() -> None:
    secret = rsa_key().as_pem(private=False)
    assert code_of(token({**HEADER, "alg": "HS256"}, key=secret)) == "algorithm_refused"


def test_another_key_is_refused() -> None:
    assert code_of(token(key=rsa_key("other"))) == "signature_bad"


def test_only_the_algorithms_that_the_operator_names_pass() -> None:
    only = replace(RULES, idp=replace(IDP, signing_algorithms=frozenset({"ES256"})))
    assert code_of(token(), only) == "algorithm_refused"
    verify_access_token(token({**HEADER, "alg": "ES256", "kid": "ec-1"}, key=ec_key()), KEYS, only, now=NOW)


@pytest.mark.parametrize("typ", ["JWT", "jwt", None, "logout+jwt", "dpop+jwt", "secevent+jwt", ""])
def test_without_plain_jwt_only_access_tokens_say_that_they_are(typ: str | None) -> None:
    assert code_of(plain(typ=typ)) == "token_type_refused"


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "id+jwt"])
def test_with_plain_jwt_other_explicit_types_are_refused_all_the_same(typ: str) -> None:
    assert code_of(plain(typ=typ), PLAIN) == "token_type_refused"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", None])
def test_with_plain_jwt_an_access_token_of_the_usual_products_passes(typ: str | None) -> None:
    verify(plain(typ=typ), PLAIN)
    verify(plain(("client_id", "scope"), typ=typ, scp="api", azp="cli"), PLAIN)
    verify(plain(typ=typ, token_use="access"), PLAIN)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "n"},
        {"at_hash": "h"},
        {"c_hash": "h"},
        {"s_hash": "h"},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"token_use": "id"},
        {"token_use": 7},
    ],
)
def test_what_an_id_token_or_a_logout_token_says_is_no_access_token(claims: dict[str, Any]) -> None:
    assert code_of(plain(**claims), PLAIN) == "not_an_access_token"


@pytest.mark.parametrize("kind", ["ID", "Refresh", "Offline", "Logout"])
def test_keycloaks_other_tokens_are_told_apart_by_their_payload(kind: str) -> None:
    stated = {**CLAIMS, "typ": kind}
    verify(sign({**CLAIMS, "typ": "Bearer"}, rsa_key(), {**HEADER, "typ": "JWT"}), PLAIN)
    assert code_of(sign(stated, rsa_key(), {**HEADER, "typ": "JWT"}), PLAIN) == "not_an_access_token"


def test_a_plain_jwt_must_say_something_that_only_access_tokens_say() -> None:
    bare = plain(("client_id", "scope"), azp="cli", email="alice@example.com")
    assert code_of(bare, PLAIN) == "not_an_access_token"


def test_an_encrypted_token_or_rubbish_is_malformed() -> None:
    for text in ("", "a", "a.b", "a.b.c", "a.b.c.d.e", "é.b.c", token()[:-1] + "é"):
        assert code_of_any(text) in ("token_malformed", "signature_bad")


def code_of_any(text: str) -> str:
    with pytest.raises(NotTrusted) as refusal:
        verify(text)
    return refusal.value.code


@pytest.mark.parametrize("stated", [{"scope": "a b c"}, {"scp": ["a", "b"]}, {"scope": "a", "scp": "b"}])
def test_all_required_scopes_must_be_there(stated: dict[str, Any]) -> None:
    needs = replace(RULES, scopes=frozenset({"a", "b"}))
    verify(token(**{"scope": None, **stated}), needs)


@pytest.mark.parametrize(
    "stated", [{}, {"scope": "a"}, {"scope": "ab"}, {"scope": {"a": 1, "b": 1}}, {"scp": 3}]
)
def test_a_token_without_a_scope_is_good_but_not_for_this(stated: dict[str, Any]) -> None:
    needs = replace(RULES, scopes=frozenset({"a", "b"}))
    with pytest.raises(InsufficientScope):
        verify(token(**{"scope": None, **stated}), needs)


def test_scopes_are_looked_at_last() -> None:
    """Whoever shows a token of somebody else's learns nothing about scopes."""
    needs = replace(RULES, scopes=frozenset({"a"}))
    assert code_of(token(aud="https://other.example.com"), needs) == "audience_mismatch"


@pytest.mark.parametrize(
    ("text", "is_jwt"), [("a.b.c", True), ("abc", False), ("a.b", False), ("a.b.c.d.e", False), ("", False)]
)
def test_three_parts_are_a_signed_token(text: str, is_jwt: bool) -> None:
    assert looks_like_jwt(text) is is_jwt


# --- introspection -----------------------------------------------------------------------------------------------------

ANSWER: dict[str, Any] = {**CLAIMS, "active": True, "token_type": "Bearer"}


def read(rules: AccessRules = RULES, without: tuple[str, ...] = (), **changed: Any) -> AccessClaims:
    answer = {name: value for name, value in {**ANSWER, **changed}.items() if name not in without}
    return read_introspection(answer, rules, now=NOW)


def test_an_active_token_gives_its_claims() -> None:
    claims = read()
    assert (claims.subject.subject, claims.issued_at, claims.good_until) == (
        "alice",
        NOW - 5,
        NOW + 300 + LEEWAY,
    )


def test_what_the_endpoint_leaves_out_is_not_held_against_the_token() -> None:
    claims = read(without=("iss", "exp", "iat", "token_type", "scope"))
    assert (claims.issued_at, claims.good_until) == (None, None)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"active": False}, "inactive"),
        ({"active": "true"}, "inactive"),
        ({"active": 1}, "inactive"),
        ({"active": None}, "inactive"),
        ({"token_type": "refresh_token"}, "token_type_refused"),
        ({"token_type": "DPoP"}, "token_type_refused"),
        ({"iss": "https://other.example.com"}, "issuer_mismatch"),
        ({"aud": "https://other.example.com"}, "audience_mismatch"),
        ({"aud": None}, "audience_mismatch"),
        ({"exp": NOW - LEEWAY}, "expired"),
        ({"exp": "soon"}, "time_malformed"),
        ({"iat": NOW + LEEWAY + 1}, "issued_in_future"),
        ({"nbf": NOW + LEEWAY + 1}, "not_yet_valid"),
        ({"sub": None}, "subject_invalid"),
        ({"cnf": {"jkt": "x"}}, "sender_constrained"),
    ],
)
def test_each_statement_of_introspection_is_checked(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(NotTrusted) as refusal:
        read(**changed)
    assert refusal.value.code == code


def test_introspection_must_name_an_audience_of_ours() -> None:
    with pytest.raises(NotTrusted, match="audience_mismatch"):
        read(without=("aud",))


def test_introspected_scopes_are_checked() -> None:
    with pytest.raises(InsufficientScope):
        read(replace(RULES, scopes=frozenset({"admin"})))


def test_claims_do_not_show_what_the_token_says() -> None:
    assert "cli" not in repr(verify(token()))

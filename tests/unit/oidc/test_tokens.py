"""Each row of the table in `oidc/tokens.py`."""

import hashlib
import json
from typing import Any

import pytest
from joserfc import jws

from proxy.errors import NotTrusted
from proxy.identity import IdpId, Subject
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import VerifiedClaims, verify_id_token
from tests.fakes.idp import NOW, ec_key, ed_key, encode, half_hash, published, rsa_key, sign

ISSUER = "https://idp.example.com"
RULES = IdpRules(id=IdpId("corp"), name="Corp", issuer=ISSUER, client_id="muster")
KEYS: KeySet = read_keys(published(rsa_key(), ec_key(), ed_key()))
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": "muster",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "nonce": "n0nce",
    "groups": ["engineers"],
}
HEADER = {"alg": "RS256", "kid": "rsa-1"}


def token(header: Any = None, key: Any = None, without: Any = "", **claims: Any) -> str:
    stated = {name: value for name, value in {**CLAIMS, **claims}.items() if name != without}
    return sign(stated, key or rsa_key(), header or HEADER)


def verify(text: str, **changed: Any) -> VerifiedClaims:
    arguments: dict[str, Any] = {"rules": RULES, "nonce": "n0nce", "now": NOW, **changed}
    return verify_id_token(text, arguments.pop("keys", KEYS), **arguments)


def code_of(text: str, **changed: Any) -> str:
    with pytest.raises(NotTrusted) as refusal:
        verify(text, **changed)
    assert str(refusal.value) == refusal.value.code
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return refusal.value.code


def test_a_good_token_gives_its_claims() -> None:
    claims = verify(token(sid="session-1"))
    assert claims.subject == Subject(issuer=ISSUER, subject="alice")
    assert claims.payload["groups"] == ["engineers"]
    assert claims.issued_at == NOW - 5
    assert claims.idp_session == "session-1"


def test_nobody_else_makes_verified_claims() -> None:
    with pytest.raises(TypeError):
        VerifiedClaims(
            subject=Subject(issuer=ISSUER, subject="mallory"), issued_at=NOW, payload={}, proof=object()
        )


def test_claims_are_not_shown() -> None:
    assert "engineers" not in repr(verify(token()))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "RS256", "kid": "rsa-1"}, rsa_key()),
        ({"alg": "RS512", "kid": "rsa-1"}, rsa_key()),
        ({"alg": "PS256", "kid": "rsa-1"}, rsa_key()),
        ({"alg": "ES256", "kid": "ec-1"}, ec_key()),
        ({"alg": "EdDSA", "kid": "ed-1"}, ed_key()),
        ({"alg": "Ed25519", "kid": "ed-1"}, ed_key()),
        ({"alg": "RS256", "kid": "rsa-1", "typ": "JWT"}, rsa_key()),
        ({"alg": "RS256", "kid": "rsa-1", "unknown": {"x": 1}}, rsa_key()),
        ({"alg": "RS256", "kid": "rsa-1", "x5t": "long" * 200}, rsa_key()),
        ({"alg": "RS256"}, rsa_key()),
    ],
)
def test_every_pinned_algorithm_verifies(header: dict[str, Any], key: Any) -> None:
    assert verify(token(header, key)).subject.subject == "alice"


# --- form, algorithm, key, signature --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "a.b.c.d.e", "..", "é.é.é", "\ud800", "e30.e30.e30", "bnVsbA.e30.", "W10.e30.", "x" * 10**6],
)  # fmt: skip
def test_what_is_no_signed_jwt_is_malformed(text: str) -> None:
    assert code_of(text) == "token_malformed"


def test_a_deeply_nested_header_is_malformed() -> None:
    nested = ("[" * 2900).encode()
    header = encode(nested)
    assert code_of(f"{header}.e30.e30") == "token_malformed"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "logout+jwt", "application/at+jwt", 7])
def test_another_kind_of_jwt_is_no_id_token(typ: Any) -> None:
    assert code_of(token({**HEADER, "typ": typ})) == "token_malformed"


def test_critical_extensions_are_refused() -> None:
    text = sign(CLAIMS, rsa_key(), {**HEADER, "b64": True, "crit": ["b64"]})
    assert code_of(text) == "token_malformed"


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"7", b"null", b"{", b"\xff", b"[" * 5000])
def test_a_signed_payload_must_be_a_json_object(payload: bytes) -> None:
    text = jws.serialize_compact(dict(HEADER), payload, rsa_key(), algorithms=["RS256"])
    assert code_of(text) == "token_malformed"


@pytest.mark.parametrize("alg", ["HS256", "HS512", "ES256K", "RS1", "NONE", "", "rs256"])
def test_an_algorithm_that_is_not_pinned_is_refused(alg: str) -> None:
    parts = token().split(".")
    header = encode(json.dumps({**HEADER, "alg": alg}).encode())
    assert code_of(".".join([header, *parts[1:]])) == "algorithm_refused"


def test_an_unsigned_token_is_refused() -> None:
    assert code_of(sign(CLAIMS, None, {"alg": "none"})) == "algorithm_refused"


def test_a_public_key_is_never_an_hmac_secret() -> None:
    pem = rsa_key().as_pem(private=False)
    text = sign(CLAIMS, pem, {"alg": "HS256", "kid": "rsa-1"})
    assert code_of(text) == "algorithm_refused"


def test_the_algorithm_must_fit_the_key() -> None:
    assert code_of(token({"alg": "ES256", "kid": "rsa-1"}, ec_key())) == "key_unknown"
    keys = read_keys({"keys": [{**published(rsa_key())["keys"][0], "alg": "RS512"}]})
    assert code_of(token(), keys=keys) == "signature_bad"


def test_an_unknown_key_is_named_as_such() -> None:
    assert code_of(token({"alg": "RS256", "kid": "other"})) == "key_unknown"
    assert code_of(token(), keys=()) == "key_unknown"


def test_several_keys_and_no_name_is_ambiguous() -> None:
    keys = read_keys(published(rsa_key(), rsa_key("rsa-2")))
    assert code_of(token({"alg": "RS256"}), keys=keys) == "key_ambiguous"


def test_another_key_under_the_same_name_does_not_verify() -> None:
    assert code_of(token(key=rsa_key("rsa-2"))) == "signature_bad"


def test_any_altered_part_breaks_the_signature() -> None:
    header, payload, signature = token().split(".")
    other = token(sub="mallory").split(".")
    assert code_of(f"{header}.{other[1]}.{signature}") == "signature_bad"
    assert code_of(f"{header}.{payload}.{other[2]}") == "signature_bad"
    assert code_of(f"{header}.{payload}.") == "signature_bad"


# --- claims ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", [ISSUER + "/", "https://evil.example.com", "", None, [ISSUER], "\ud800"])
def test_the_issuer_is_exact(issuer: Any) -> None:
    assert code_of(token(iss=issuer)) == "issuer_mismatch"
    assert code_of(token(without="iss")) == "issuer_mismatch"


@pytest.mark.parametrize("audience", ["other", ["other"], [], None, "", {"muster": 1}, ["MUSTER"], "muster2"])
def test_we_are_in_the_audience(audience: Any) -> None:
    assert code_of(token(aud=audience)) == "audience_mismatch"


def test_a_list_of_one_audience_is_plain() -> None:
    verify(token(aud=["muster"]))


@pytest.mark.parametrize(
    ("audience", "party", "is_good"),
    [
        ("muster", "muster", True),
        ("muster", "other", False),
        ("muster", None, False),
        (["muster", "other"], "muster", True),
        (["muster", "other"], "other", False),
    ],
)
def test_the_authorized_party_is_us(audience: Any, party: Any, is_good: bool) -> None:
    text = token(aud=audience, azp=party)
    if is_good:
        verify(text)
    else:
        assert code_of(text) == "azp_mismatch"


def test_several_audiences_need_an_authorized_party() -> None:
    assert code_of(token(aud=["muster", "other"])) == "azp_mismatch"


@pytest.mark.parametrize("claim", ["iat", "exp"])
def test_times_must_be_there(claim: str) -> None:
    assert code_of(token(without=claim)) == "time_missing"
    assert code_of(token(**dict.fromkeys([claim]))) == "time_missing"


@pytest.mark.parametrize("claim", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", ["1800000000", True, [], {}, float("inf"), float("nan"), 10**400])
def test_times_must_be_finite_numbers(claim: str, value: Any) -> None:
    assert code_of(token(**{claim: value})) == "time_malformed"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": NOW - 59}, None),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": 0}, "expired"),
        ({"iat": NOW + 60}, None),
        ({"iat": NOW + 61}, "issued_in_future"),
        ({"nbf": NOW + 60}, None),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"nbf": None}, None),
    ],
)
def test_one_leeway_of_a_minute_for_every_time(claims: dict[str, Any], code: str | None) -> None:
    if code is None:
        verify(token(**claims))
    else:
        assert code_of(token(**claims)) == code


@pytest.mark.parametrize("nonce", ["other", "", None, ["n0nce"], 7])
def test_the_nonce_is_the_one_sent(nonce: Any) -> None:
    assert code_of(token(nonce=nonce)) == "nonce_mismatch"
    assert code_of(token(without="nonce")) == "nonce_mismatch"


def test_a_refresh_asks_for_no_nonce() -> None:
    verify(token(without="nonce"), nonce=None)
    verify(token(nonce="whatever"), nonce=None)


@pytest.mark.parametrize("subject", ["", "a" * 256, None, 7, ["alice"], "a\nb", "a\u0000", "\ud800"])
def test_the_subject_is_a_short_line_of_text(subject: Any) -> None:
    assert code_of(token(sub=subject)) == "subject_invalid"
    assert code_of(token(without="sub")) == "subject_invalid"


def test_a_subject_may_be_255_characters_long() -> None:
    assert verify(token(sub="a" * 255)).subject.subject == "a" * 255


def test_a_refresh_is_about_the_same_person() -> None:
    alice = Subject(issuer=ISSUER, subject="alice")
    verify(token(), expected_subject=alice)
    assert code_of(token(sub="bob"), expected_subject=alice) == "subject_changed"
    elsewhere = Subject(issuer="https://other.example.com", subject="alice")
    assert code_of(token(), expected_subject=elsewhere) == "subject_changed"


def test_the_access_token_is_the_one_the_id_token_means() -> None:
    text = token(at_hash=half_hash("access"))
    verify(text, access_token="access")
    verify(text)
    assert code_of(text, access_token="other") == "at_hash_mismatch"
    assert code_of(token(at_hash=7), access_token="access") == "at_hash_mismatch"
    verify(token(), access_token="access")


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_at_hash_with_an_edwards_curve_is_half_of_sha_512(alg: str) -> None:
    half = encode(hashlib.sha512(b"access").digest()[:32])
    header = {"alg": alg, "kid": "ed-1"}
    verify(token(header, ed_key(), at_hash=half), access_token="access")
    assert code_of(token(header, ed_key(), at_hash=half), access_token="b") == "at_hash_mismatch"


@pytest.mark.parametrize("sid", [None, "", 7, ["x"]])
def test_an_odd_session_id_is_none(sid: Any) -> None:
    assert verify(token(sid=sid)).idp_session is None

"""A logout token: every row of the table, alone."""

from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.identity import IdpId, Subject
from proxy.oidc.keys import read_keys
from proxy.oidc.logout import EVENT, LogoutToken, verify_logout_token
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import LEEWAY
from tests.fakes.idp import CLIENT_ID, NOW, ec_key, published, rsa_key
from tests.fakes.logout import LEFT_OUT, logout_token

ISSUER = "https://idp.example.com"
RULES = IdpRules(id=IdpId("corp"), name="Corp", issuer=ISSUER, client_id=CLIENT_ID)
KEYS = read_keys(published(rsa_key(), ec_key()))
ALICE = Subject(issuer=ISSUER, subject="alice")


def read(token: str, now: float = NOW) -> LogoutToken:
    return verify_logout_token(token, KEYS, rules=RULES, now=now)


def refusal(token: str, now: float = NOW) -> str:
    with pytest.raises(NotTrusted) as refused:
        read(token, now)
    return refused.value.code


def test_a_token_names_a_session_a_person_and_until_when_it_is_good() -> None:
    read_back = read(logout_token(ISSUER, NOW))
    assert (read_back.sid, read_back.subject, read_back.jti) == ("s1", ALICE, "jti-1")
    assert read_back.good_until == NOW + 120 + LEEWAY


@pytest.mark.parametrize(
    ("changes", "sid", "subject"),
    [
        ({"sub": LEFT_OUT}, "s1", None),
        ({"sid": LEFT_OUT}, None, ALICE),
        ({"sid": None}, None, ALICE),
        ({"ignored_claim": "MAY contain others"}, "s1", ALICE),
        ({"events": {EVENT: {}, "https://example.com/other": {}}}, "s1", ALICE),
        ({"events": {EVENT: {"revoke_offline_access": True}}}, "s1", ALICE),
        ({"aud": [CLIENT_ID]}, "s1", ALICE),
    ],
)
def test_what_the_specification_permits_is_read(
    changes: dict[str, Any], sid: str | None, subject: Subject | None
) -> None:
    read_back = read(logout_token(ISSUER, NOW, **changes))
    assert (read_back.sid, read_back.subject) == (sid, subject)


@pytest.mark.parametrize("typ", ["logout+jwt", "Logout+JWT", "application/logout+jwt", "JWT", "jwt"])
def test_the_types_that_a_logout_token_may_have(typ: str) -> None:
    assert read(logout_token(ISSUER, NOW, header={"typ": typ})).sid == "s1"


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "id+jwt", "", 7, ["logout+jwt"]])
def test_another_explicitly_typed_token_is_none(typ: object) -> None:
    assert refusal(logout_token(ISSUER, NOW, header={"typ": typ})) == "token_malformed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": ISSUER + "/"}, "issuer_mismatch"),
        ({"iss": LEFT_OUT}, "issuer_mismatch"),
        ({"aud": "another"}, "audience_mismatch"),
        ({"aud": LEFT_OUT}, "audience_mismatch"),
        ({"aud": []}, "audience_mismatch"),
        ({"aud": [CLIENT_ID, "another"]}, "azp_mismatch"),
        ({"iat": LEFT_OUT}, "time_missing"),
        ({"exp": LEFT_OUT}, "time_missing"),
        ({"exp": int(NOW - LEEWAY)}, "expired"),
        ({"iat": int(NOW + LEEWAY + 1)}, "issued_in_future"),
        ({"nbf": int(NOW + LEEWAY + 1)}, "not_yet_valid"),
        ({"exp": "soon"}, "time_malformed"),
        ({"events": LEFT_OUT}, "event_missing"),
        ({"events": {}}, "event_missing"),
        ({"events": {"http://schemas.openid.net/event/foobar": {}}}, "event_missing"),
        ({"events": {EVENT: "yes"}}, "event_missing"),
        ({"events": {EVENT: []}}, "event_missing"),
        ({"events": {EVENT: None}}, "event_missing"),
        ({"events": [EVENT]}, "event_missing"),
        ({"events": EVENT}, "event_missing"),
        ({"nonce": "n"}, "nonce_present"),
        ({"nonce": None}, "nonce_present"),
        ({"sub": LEFT_OUT, "sid": LEFT_OUT}, "person_missing"),
        ({"sub": ""}, "subject_invalid"),
        ({"sub": 7}, "subject_invalid"),
        ({"sid": ""}, "sid_invalid"),
        ({"sid": 7}, "sid_invalid"),
        ({"jti": LEFT_OUT}, "jti_missing"),
        ({"jti": ""}, "jti_missing"),
        ({"jti": 7}, "jti_missing"),
    ],
)
def test_every_claim_is_checked_alone(changes: dict[str, Any], code: str) -> None:
    assert refusal(logout_token(ISSUER, NOW, **changes)) == code


def test_a_token_that_lives_for_ever_is_good_for_a_day() -> None:
    token = logout_token(ISSUER, NOW, exp=1e300)
    assert read(token).good_until == NOW + 86_400 + LEEWAY
    assert refusal(token, NOW + 86_400 + LEEWAY) == "expired"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_unsigned_or_symmetric_token_is_refused(algorithm: str) -> None:
    token = logout_token(ISSUER, NOW, key=b"secret", header={"alg": algorithm})
    assert refusal(token) == "algorithm_refused"


def test_another_key_is_refused() -> None:
    assert refusal(logout_token(ISSUER, NOW, key=rsa_key("rsa-2"))) == "key_unknown"
    forged = logout_token(ISSUER, NOW, key=rsa_key("rsa-2"), header={"kid": "rsa-1"})
    assert refusal(forged) == "signature_bad"


def test_an_algorithm_that_the_operator_did_not_name_is_refused() -> None:
    token = logout_token(ISSUER, NOW, key=ec_key(), header={"alg": "ES256"})
    assert read(token).sid == "s1"
    only = IdpRules(
        id=RULES.id, name="Corp", issuer=ISSUER, client_id=CLIENT_ID, signing_algorithms=frozenset({"RS256"})
    )
    with pytest.raises(NotTrusted, match="algorithm_refused"):
        verify_logout_token(token, KEYS, rules=only, now=NOW)


def test_nothing_but_the_check_makes_one() -> None:
    with pytest.raises(TypeError):
        LogoutToken(sid="s", subject=None, jti="j", good_until=0.0, proof=None)

import pytest

from proxy.demo.idp_grants import Fault, Grant, Grants, challenge_of

VERIFIER = "v" * 43
BACK = "http://app.localhost/cb"


def _code(grants: Grants) -> str:
    _, visit = grants.sign_in("alice", 100.0)
    return grants.issue_code(
        visit,
        scope="openid",
        nonce="n",
        redirect_uri=BACK,
        challenge=challenge_of(VERIFIER),
        expires_at=160.0,
    )


def _redeem(grants: Grants, code: str, **changed: str) -> Grant | Fault:
    asked = {"verifier": VERIFIER, "redirect_uri": BACK, **changed}
    return grants.redeem(code, verifier=asked["verifier"], redirect_uri=asked["redirect_uri"], now=110.0)


def _grant(grants: Grants) -> Grant:
    grant = _redeem(grants, _code(grants))
    assert isinstance(grant, Grant)
    return grant


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_is_good_once_and_its_second_use_revokes_the_grant() -> None:
    grants = Grants()
    code = _code(grants)
    grant = _redeem(grants, code)
    assert isinstance(grant, Grant)
    assert isinstance(_redeem(grants, code), Fault)
    assert grant.is_revoked


@pytest.mark.parametrize("changed", [{"verifier": "w" * 43}, {"redirect_uri": BACK + "x"}])
def test_a_code_is_refused_with_another_verifier_or_address(changed: dict[str, str]) -> None:
    grants = Grants()
    assert isinstance(_redeem(grants, _code(grants), **changed), Fault)


def test_an_expired_code_is_refused() -> None:
    grants = Grants()
    code = _code(grants)
    assert isinstance(grants.redeem(code, verifier=VERIFIER, redirect_uri=BACK, now=161.0), Fault)


def test_a_spent_refresh_token_revokes_the_whole_grant() -> None:
    grants = Grants()
    grant = _grant(grants)
    first = grants.issue_refresh_token(grant, None)
    second = grants.issue_refresh_token(grant, None)
    assert grants.grant_of_refresh_token(second, 0.0) is grant
    answer = grants.grant_of_refresh_token(first, 0.0)
    assert isinstance(answer, Fault)
    assert answer.description == "Stale token"
    assert isinstance(grants.grant_of_refresh_token(second, 0.0), Fault)


def test_an_expired_refresh_token_is_refused() -> None:
    grants = Grants()
    token = grants.issue_refresh_token(_grant(grants), 200.0)
    assert isinstance(grants.grant_of_refresh_token(token, 199.0), Grant)
    assert isinstance(grants.grant_of_refresh_token(token, 201.0), Fault)


def test_an_access_token_lives_until_it_expires_or_its_grant_is_revoked() -> None:
    grants = Grants()
    grant = _grant(grants)
    token = grants.issue_access_token(grant, 200.0)
    assert grants.grant_of_access_token(token, 199.0) is grant
    assert grants.grant_of_access_token(token, 201.0) is None
    grants.revoke(token)
    assert grants.grant_of_access_token(token, 199.0) is None


def test_revoking_an_unknown_token_is_no_error() -> None:
    Grants().revoke("nothing")


def test_secrets_stay_out_of_a_grants_repr() -> None:
    grants = Grants()
    grant = _grant(grants)
    assert grants.issue_refresh_token(grant, None) not in repr(grant)


def test_forgetting_a_persons_visits_leaves_the_others() -> None:
    grants = Grants()
    grants.sign_in("alice", 0.0)
    cookie, _ = grants.sign_in("bob", 0.0)
    grants.forget_visits("alice")
    assert set(grants.visits) == {cookie}

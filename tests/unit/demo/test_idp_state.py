from proxy.demo.idp_grants import Fault, Grant
from proxy.demo.idp_state import IdpOptions, IdpState
from proxy.demo.people import PEOPLE


def _state() -> IdpState:
    return IdpState(PEOPLE, IdpOptions(client_secret="s3cret", algorithm="ES256"))


def _grant() -> Grant:
    return Grant(id="g", login="alice", scope="openid", nonce=None, auth_time=0.0, sid="s")


def test_claims_state_groups_unless_told_to_leave_them_out() -> None:
    account = _state().accounts["erin"]
    assert account.claims()["groups"] == []
    account.is_groups_claim_left_out = True
    assert "groups" not in account.claims()


def test_suspending_forgets_the_persons_visits_and_spends_nothing() -> None:
    state = _state()
    cookie, _ = state.grants.sign_in("alice", 0.0)
    state.suspend("alice")
    assert cookie not in state.grants.visits
    assert state.accounts["alice"].is_suspended


def test_token_calls_are_counted_by_answer_person_and_grant() -> None:
    state, grant = _state(), _grant()
    state.grants.all[grant.id] = grant
    state.count("authorization_code", grant)
    state.count("refresh_token", grant)
    state.count("refresh_token", Fault(error="invalid_grant"))
    figures = state.statistics()
    assert figures["token_calls"] == 3
    assert figures["refreshes"] == {"alice": 1}
    assert figures["sign_ins"] == {"alice": 1}
    assert figures["by_grant"] == {"g": 2}
    assert figures["answers"]["refresh_token invalid_grant"] == 1


def test_no_secret_is_in_the_state_or_the_options_repr() -> None:
    state = _state()
    assert "s3cret" not in repr(state.options)
    assert "s3cret" not in str(state.as_json())

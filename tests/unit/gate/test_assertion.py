"""What the assertion says: what the headers say, exactly, and nothing that is not known."""

from dataclasses import replace

import pytest

from proxy.gate.assertion import AssertionRules, person_claims, renew_at, time_claims
from proxy.gate.headers import IdentityHeaders
from proxy.identity import IdpId
from tests.fakes.people import identity, session, subject

RULES = AssertionRules(
    header="X-Muster-Assertion", issuer="https://app.example.com", audience="wiki", life=300.0
)
TOLD = IdentityHeaders(user="al", email="a@example.com", username="alice", groups=("b, c", "ü"))


def test_everything_that_is_known_is_said_as_it_is() -> None:
    assert person_claims(session(), TOLD, RULES) == {
        "iss": "https://app.example.com",
        "aud": "wiki",
        "sub": "corp:sub-alice",
        "idp": "corp",
        "app_user": "al",
        "email": "a@example.com",
        "name": "Alice",
        "preferred_username": "alice",
        "groups": ["b, c", "ü"],
    }


def test_what_is_not_known_is_absent() -> None:
    nameless = replace(session(), identity=identity(name="x", email=None))
    nameless = replace(nameless, identity=replace(nameless.identity, name=None))
    said = person_claims(nameless, IdentityHeaders(user="al"), RULES)
    assert said.keys() == {"iss", "aud", "sub", "idp", "app_user"}


def test_groups_known_to_be_none_are_an_empty_list_and_groups_not_stated_are_absent() -> None:
    known = person_claims(session(), IdentityHeaders(user="al", groups=()), RULES)
    assert known["groups"] == []
    assert "groups" not in person_claims(session(), IdentityHeaders(user="al", groups=None), RULES)


def test_the_same_subject_at_two_idps_is_two_subjects() -> None:
    one = session()
    other = replace(one, idp=IdpId("partner"), subject=subject(issuer="https://other.example"))
    subs = {person_claims(each, TOLD, RULES)["sub"] for each in (one, other)}
    assert subs == {"corp:sub-alice", "partner:sub-alice"}


@pytest.mark.parametrize(("now", "life"), [(1000.0, 300.0), (1000.9, 300.0), (0.0, 30.0), (1000.5, 30.5)])
def test_it_is_renewed_well_before_it_expires_and_never_lives_longer_than_allowed(
    now: float, life: float
) -> None:
    rules = replace(RULES, life=life)
    times = time_claims(rules, now)
    assert times["iat"] == times["nbf"] <= now
    assert now < renew_at(rules, now) < times["exp"] - 5 <= now + life

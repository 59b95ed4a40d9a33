import pytest

from proxy.identity import IdpId
from proxy.oidc.rules import DAY, KINDS, IdpKind, IdpRules, default_archive_delay


@pytest.mark.parametrize("kind", [IdpKind.KEYCLOAK, IdpKind.ENTRA, IdpKind.AUTH0, IdpKind.LOGTO])
def test_an_idp_that_marks_a_denial_never_archives_on_a_bare_refusal(kind: IdpKind) -> None:
    assert KINDS[kind].has_marker
    assert default_archive_delay(kind) is None


@pytest.mark.parametrize("kind", [IdpKind.OKTA, IdpKind.GOOGLE, IdpKind.GENERIC])
def test_an_idp_without_a_marker_archives_a_day_after_a_bare_refusal(kind: IdpKind) -> None:
    assert not KINDS[kind].has_marker
    assert default_archive_delay(kind) == DAY == 24 * 3600


def test_every_kind_has_its_facts() -> None:
    assert set(KINDS) == set(IdpKind)


def test_known_texts_and_codes_are_lower_case_as_they_are_compared() -> None:
    for facts in KINDS.values():
        words = facts.denied_texts | facts.denied_codes | facts.explained_texts | facts.explained_codes
        assert all(word == word.lower() and not word.endswith(".") for word in words)


def test_no_code_means_both_a_denial_and_something_harmless() -> None:
    for facts in KINDS.values():
        denied = facts.denied_codes | facts.denied_codes_at_refresh
        assert denied.isdisjoint(facts.explained_codes | facts.trouble_codes | facts.our_fault_codes)


def test_the_secret_is_never_shown() -> None:
    rules = IdpRules(
        id=IdpId("corp"),
        name="Corp",
        issuer="https://idp.example.com",
        client_id="m",
        secret=lambda: "s3cret",
    )
    assert "s3cret" not in repr(rules)
    assert "lambda" not in repr(rules)
    assert rules.secret() == "s3cret"


def test_without_a_secret_there_is_none() -> None:
    rules = IdpRules(id=IdpId("corp"), name="Corp", issuer="https://idp.example.com", client_id="m")
    assert rules.secret() is None

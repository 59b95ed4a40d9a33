"""One IdP: what is left out follows from its kind and its secret."""

from pathlib import Path
from typing import Any

import pytest

from proxy.settings.idp import Idp
from tests.fakes.configurations import IDP, mistakes_of, settings_of


def idp(folder: Path, **changes: Any) -> Idp:
    return settings_of(folder, idps=[{**IDP, **changes}]).idps[0]


def mistakes(folder: Path, **changes: Any) -> dict[str, str]:
    return mistakes_of(folder, idps=[{**IDP, **changes}])


@pytest.mark.parametrize("kind", ["keycloak", "entra", "auth0", "logto"])
def test_an_idp_that_says_when_somebody_is_suspended_never_archives_by_a_timer(
    kind: str, tmp_path: Path
) -> None:
    assert idp(tmp_path, kind=kind).ask_again_archives.after is None


@pytest.mark.parametrize("kind", ["generic", "okta", "google"])
def test_the_others_wait_a_day(kind: str, tmp_path: Path) -> None:
    assert idp(tmp_path, kind=kind).ask_again_archives.after == 86400


@pytest.mark.parametrize(
    ("written", "after"), [("never", None), ({"after": "0s"}, 0), ({"after": "2h"}, 7200)]
)
def test_what_is_written_wins_over_the_kind(written: object, after: float | None, tmp_path: Path) -> None:
    for kind in ("okta", "keycloak"):
        assert idp(tmp_path, kind=kind, ask_again_archives=written).ask_again_archives.after == after


@pytest.mark.parametrize("wrong", ["always", 3, True, {}, {"after": None}, None])
def test_anything_else_is_refused_with_both_ways_to_write_it(wrong: object, tmp_path: Path) -> None:
    assert (
        "write never, or {after: 24h}"
        in mistakes(tmp_path, ask_again_archives=wrong)["idps[0].ask_again_archives"]
    )


def test_a_wrong_duration_inside_is_named_at_its_place(tmp_path: Path) -> None:
    assert (
        "its unit"
        in mistakes(tmp_path, ask_again_archives={"after": "soon"})["idps[0].ask_again_archives.after"]
    )


def test_how_the_secret_is_sent_follows_from_having_one(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    assert idp(tmp_path).client_auth == "none"
    assert idp(tmp_path, client_secret={"file": "s"}).client_auth == "client_secret_basic"
    assert (
        idp(tmp_path, client_secret={"file": "s"}, client_auth="client_secret_post").client_auth
        == "client_secret_post"
    )


def test_a_scope_list_without_openid_is_refused(tmp_path: Path) -> None:
    assert "openid is missing" in mistakes(tmp_path, scopes=["profile"])["idps[0].scopes"]


@pytest.mark.parametrize("scope", ["a b", "", 'a"b', "ä"])
def test_a_scope_is_one_word(scope: str, tmp_path: Path) -> None:
    assert "is not a scope" in mistakes(tmp_path, scopes=["openid", scope])["idps[0].scopes"]


@pytest.mark.parametrize("name", ["state", "nonce", "redirect_uri", "client_id", "code_challenge"])
def test_what_the_flow_sets_cannot_be_set_again(name: str, tmp_path: Path) -> None:
    assert (
        f"{name} is set by Muster"
        in mistakes(tmp_path, extra_parameters={name: "x"})["idps[0].extra_parameters"]
    )


def test_other_parameters_may_be_added(tmp_path: Path) -> None:
    assert idp(tmp_path, extra_parameters={"organization": "acme"}).extra_parameters == {
        "organization": "acme"
    }


def test_one_claim_path_may_stand_without_a_list(tmp_path: Path) -> None:
    assert idp(tmp_path, claims={"groups": "realm_access.roles"}).claims.groups == ("realm_access.roles",)
    assert idp(tmp_path, claims={"groups": "https://example.com/roles"}).claims.email == "email"


def test_people_read_the_name_or_else_the_id(tmp_path: Path) -> None:
    assert idp(tmp_path).title == "corp"
    assert idp(tmp_path, name="Example Corp").title == "Example Corp"


def test_the_secret_is_in_no_text_of_the_settings(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"S": "hunter2"}, idps=[{**IDP, "client_secret": {"env": "S"}}])
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.idps[0].client_secret)


def test_domains_that_choose_are_spelled_as_domains_are(tmp_path: Path) -> None:
    assert idp(tmp_path, domains="Bücher.Example").domains == ("xn--bcher-kva.example",)
    assert "sends everybody" not in str(mistakes(tmp_path, domains=["example.com"]))


@pytest.mark.parametrize("wrong", ["*", "@example.com", "*.example.com"])
def test_a_domain_that_chooses_is_one_domain(wrong: str, tmp_path: Path) -> None:
    assert "idps[0].domains[0]" in mistakes(tmp_path, domains=[wrong])

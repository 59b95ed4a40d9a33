from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.groups.claim import ClaimRules
from proxy.identity import NOT_STATED, Identity, IdpId, Subject
from proxy.oidc.claims import (
    Lookup,
    Userinfo,
    authentication_of,
    identity_of,
    identity_without_id_token,
    wants_userinfo,
)
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.rules import ClaimPaths, IdpRules, UserinfoUse
from proxy.oidc.tokens import VerifiedClaims, verify_id_token
from proxy.session.model import Authentication
from tests.fakes.idp import NOW, ec_key, named, published, sign

ISSUER = "https://idp.example.com"
ALICE = Subject(issuer=ISSUER, subject="alice")
KEYS: KeySet = read_keys(published(ec_key()))
NONE_KNOWN = named()


def rules(**changed: Any) -> IdpRules:
    return IdpRules(
        **{"id": IdpId("corp"), "name": "Corp", "issuer": ISSUER, "client_id": "muster", **changed}
    )


def claims(**stated: Any) -> VerifiedClaims:
    payload = {"iss": ISSUER, "sub": "alice", "aud": "muster", "iat": NOW - 5, "exp": NOW + 300, **stated}
    token = sign(payload, ec_key(), {"alg": "ES256", "kid": "ec-1"})
    return verify_id_token(token, KEYS, rules=rules(), nonce=None, now=NOW)


def identity(
    stated: dict[str, Any],
    userinfo: Userinfo = Lookup.NOT_ASKED,
    previous: Identity | None = None,
    **changed: Any,
) -> Identity:
    return identity_of(claims(**stated), userinfo, rules(**changed), now=NOW, previous=previous)


BEFORE = Identity(
    subject=ALICE,
    idp=IdpId("corp"),
    email="alice@example.com",
    is_email_verified=True,
    name="Alice",
    username="alice",
    groups=named("engineers"),
    stated_at=NOW - 3600,
    hosted_domain="example.com",
)


def test_an_id_token_alone_makes_an_identity() -> None:
    stated = {"email": "a@example.com", "email_verified": True, "name": "Alice", "preferred_username": "al"}
    assert identity({**stated, "groups": ["engineers"], "hd": "Example.com"}) == Identity(
        subject=ALICE,
        idp=IdpId("corp"),
        email="a@example.com",
        is_email_verified=True,
        name="Alice",
        username="al",
        groups=named("engineers"),
        stated_at=NOW - 5,
        hosted_domain="example.com",
    )


def test_a_token_that_says_nothing_makes_an_identity_of_a_subject() -> None:
    result = identity({})
    assert (result.email, result.is_email_verified, result.name, result.username) == (None, False, None, None)
    assert result.groups is NOT_STATED


# --- attributes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        (False, False),
        ("false", False),
        ("yes", False),
        (1, False),
        (None, False),
        ([True], False),
    ],
)
def test_only_true_verifies_an_address(stated: Any, expected: bool) -> None:
    assert identity({"email": "a@example.com", "email_verified": stated}).is_email_verified is expected


def test_an_idp_may_be_trusted_to_have_verified() -> None:
    assert identity({"email": "a@example.com"}, is_email_trusted=True).is_email_verified
    assert not identity({}, is_email_trusted=True).is_email_verified


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" a@example.com ", "a@example.com"),
        (["a@example.com"], "a@example.com"),
        (["a@example.com", "b@example.com"], None),
        ([], None),
        ("", None),
        (7, None),
        ({"value": "a@example.com"}, None),
        ("a@example.com\nBcc: b", None),
        ("a\u0000", None),
        ("\ud800", None),
        ("x" * 321, None),
    ],
)
def test_an_attribute_is_one_short_line_or_absent(value: Any, expected: str | None) -> None:
    assert identity({"email": value}).email == expected


def test_names_are_normalised() -> None:
    assert identity({"name": "Ame\u0301lie"}).name == "Amélie"


def test_attributes_are_read_where_the_operator_says() -> None:
    paths = ClaimPaths(email="emails", email_verified="x.ok", name="https://e.com/name", username="x.login")
    stated = {"emails": ["a@example.com"], "x": {"ok": True, "login": "al"}, "https://e.com/name": "Alice"}
    result = identity(stated, claims=paths)
    assert (result.email, result.is_email_verified) == ("a@example.com", True)
    assert (result.name, result.username) == ("Alice", "al")


@pytest.mark.parametrize(
    ("counted", "stated", "expected"),
    [
        (set(), "example.com", "example.com"),
        ({"example.com"}, "Example.com", "example.com"),
        ({"example.com"}, "evil.example.com", None),
        ({"example.com"}, None, None),
        (set(), 7, None),
    ],
)
def test_a_hosted_domain_that_is_not_listed_counts_as_none(
    counted: set[str], stated: Any, expected: Any
) -> None:
    assert identity({"hd": stated}, hosted_domains=frozenset(counted)).hosted_domain == expected


# --- two sources ----------------------------------------------------------------------------------------------------


def test_userinfo_fills_what_the_id_token_leaves_out() -> None:
    userinfo = {
        "sub": "alice",
        "email": "a@example.com",
        "email_verified": True,
        "groups": ["g"],
        "name": "Al",
    }
    result = identity({"name": "Alice"}, userinfo)
    assert (result.email, result.is_email_verified, result.name) == ("a@example.com", True, "Alice")
    assert result.groups == named("g")


@pytest.mark.parametrize("sub", ["bob", None, "", "ALICE", ["alice"]])
def test_userinfo_about_somebody_else_is_not_trusted(sub: Any) -> None:
    with pytest.raises(NotTrusted, match="userinfo_subject_mismatch"):
        identity({}, {"sub": sub, "groups": ["admins"]})
    with pytest.raises(NotTrusted, match="userinfo_subject_mismatch"):
        identity_without_id_token(BEFORE, {"sub": sub}, rules(), now=NOW)


def test_one_sources_verification_never_covers_the_others_address() -> None:
    userinfo = {"sub": "alice", "email": "other@example.com", "email_verified": True}
    result = identity({"email": "a@evil.example"}, userinfo)
    assert (result.email, result.is_email_verified) == ("a@evil.example", False)


def test_one_sources_verification_covers_the_same_address() -> None:
    userinfo = {"sub": "alice", "email": "A@example.com", "email_verified": True}
    assert identity({"email": "a@example.com"}, userinfo).is_email_verified


def test_the_id_tokens_no_is_not_overruled() -> None:
    userinfo = {"sub": "alice", "email": "a@example.com", "email_verified": True}
    assert not identity({"email": "a@example.com", "email_verified": False}, userinfo).is_email_verified


def test_a_verification_without_an_address_is_nothing() -> None:
    userinfo = {"sub": "alice", "email_verified": True}
    assert not identity({"email": "a@example.com"}, userinfo).is_email_verified


def test_the_id_tokens_groups_win_a_draw() -> None:
    assert identity({"groups": ["a"]}, {"sub": "alice", "groups": ["b"]}).groups == named("a")


def test_the_earliest_path_wins_whichever_source_has_it() -> None:
    both = ClaimRules(paths=("groups", "groups_direct"))
    userinfo = {"sub": "alice", "groups": ["a", "a/b"]}
    assert identity({"groups_direct": ["a/b"]}, userinfo, groups=both).groups == named("a", "a/b")


def test_absent_means_none_only_when_every_source_was_heard() -> None:
    absent = ClaimRules(is_absent_empty=True)
    assert identity({}, groups=absent).groups == NONE_KNOWN
    assert identity({}, {"sub": "alice"}, groups=absent).groups == NONE_KNOWN
    assert identity({}, {"sub": "alice", "groups": ["g"]}, groups=absent).groups == named("g")
    assert identity({}, Lookup.FAILED, groups=absent).groups is NOT_STATED
    assert identity({}, Lookup.REFUSED, groups=absent).groups is NOT_STATED


def test_groups_that_the_id_token_states_need_no_userinfo() -> None:
    assert identity({"groups": []}, Lookup.FAILED).groups == NONE_KNOWN


def test_a_statement_is_as_old_as_the_source_of_its_groups() -> None:
    assert identity({"groups": ["g"]}, {"sub": "alice"}).stated_at == NOW - 5
    assert identity({}, {"sub": "alice", "groups": ["g"]}).stated_at == NOW
    assert identity({"iat": NOW + 30}, {"sub": "alice", "groups": ["g"]}).stated_at == NOW + 30


# --- look-ups that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", [Lookup.FAILED, Lookup.REFUSED])
def test_a_failed_look_up_leaves_attributes_as_they_were(lookup: Lookup) -> None:
    result = identity({"name": "Alicia"}, lookup, BEFORE)
    assert (result.email, result.is_email_verified) == ("alice@example.com", True)
    assert (result.name, result.username, result.hosted_domain) == ("Alicia", "alice", "example.com")
    assert result.groups is NOT_STATED


def test_a_failed_look_up_never_lends_a_verification_to_a_new_address() -> None:
    result = identity({"email": "new@example.com"}, Lookup.FAILED, BEFORE)
    assert (result.email, result.is_email_verified) == ("new@example.com", False)


def test_what_was_not_asked_for_is_not_carried_along() -> None:
    assert identity({}, Lookup.NOT_ASKED, BEFORE).email is None


# --- no ID token ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", list(Lookup))
def test_without_any_claims_the_person_stays_as_known_with_groups_not_stated(lookup: Lookup) -> None:
    result = identity_without_id_token(
        BEFORE, lookup, rules(groups=ClaimRules(is_absent_empty=True)), now=NOW
    )
    assert (result.email, result.name, result.subject) == (BEFORE.email, BEFORE.name, ALICE)
    assert result.groups is NOT_STATED
    assert result.stated_at == NOW


def test_userinfo_alone_restates_everything() -> None:
    userinfo = {"sub": "alice", "email": "new@example.com", "email_verified": True, "groups": ["g"]}
    result = identity_without_id_token(BEFORE, userinfo, rules(), now=NOW)
    assert (result.email, result.is_email_verified, result.name) == ("new@example.com", True, None)
    assert (result.groups, result.stated_at) == (named("g"), NOW)


# --- when userinfo is asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "stated", "expected"),
    [
        (UserinfoUse.AUTO, {"groups": [], "email": "a@example.com"}, False),
        (UserinfoUse.AUTO, {"email": "a@example.com"}, True),
        (UserinfoUse.AUTO, {"groups": []}, True),
        (UserinfoUse.AUTO, {"groups": [7], "email": "a@example.com"}, False),
        (UserinfoUse.AUTO, None, True),
        (UserinfoUse.ALWAYS, {"groups": [], "email": "a@example.com"}, True),
        (UserinfoUse.ALWAYS, None, True),
        (UserinfoUse.NEVER, {}, False),
        (UserinfoUse.NEVER, None, False),
    ],
)
def test_userinfo_is_asked_when_something_is_missing(use: UserinfoUse, stated: Any, expected: bool) -> None:
    verified = None if stated is None else claims(**stated)
    assert wants_userinfo(verified, rules(userinfo=use)) is expected


def test_userinfo_is_asked_for_absent_groups_even_where_absent_means_none() -> None:
    by = rules(groups=ClaimRules(is_absent_empty=True))
    assert wants_userinfo(claims(email="a@example.com"), by)


def test_without_group_paths_groups_are_not_missed() -> None:
    assert not wants_userinfo(claims(email="a@example.com"), rules(groups=ClaimRules(paths=())))


WITH_ID: dict[str, Any] = {"claims": ClaimPaths(directory_id="oid")}


def test_an_id_in_the_directory_is_kept_where_a_claim_is_named() -> None:
    assert identity({"oid": "id-1"}, **WITH_ID).directory_id == "id-1"
    assert identity({"oid": "id-1"}).directory_id is None
    assert identity({}, {"sub": "alice", "oid": "id-2"}, **WITH_ID).directory_id == "id-2"
    assert identity({"oid": ["a", "b"]}, **WITH_ID).directory_id is None


@pytest.mark.parametrize("userinfo", [Lookup.NOT_ASKED, Lookup.FAILED, {"sub": "alice"}])
def test_an_id_that_is_left_out_later_stays(userinfo: Userinfo) -> None:
    """Entra's userinfo does not say it."""
    before = replace(BEFORE, directory_id="id-1")
    assert identity({}, userinfo, before, **WITH_ID).directory_id == "id-1"
    later = identity_without_id_token(before, userinfo, rules(**WITH_ID), now=NOW)
    assert later.directory_id == "id-1"


def test_how_and_when_the_person_proved_themselves_is_read() -> None:
    told = claims(acr="silver", amr=["pwd", "otp", 7], auth_time=1_000)
    assert authentication_of(told) == Authentication(acr="silver", amr=("pwd", "otp"), at=1_000.0)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"acr": 3, "amr": "pwd", "auth_time": "soon"},
        {"acr": "", "amr": None, "auth_time": True},
        {"acr": "x" * 400, "auth_time": None},
    ],
)
def test_a_claim_of_another_shape_says_nothing_of_the_authentication(told: dict[str, object]) -> None:
    assert authentication_of(claims(**told)) == Authentication()

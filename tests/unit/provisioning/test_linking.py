"""Which account somebody unbound gets: the table of `linking.py`, row by row."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.provisioning.linking import (
    LinkAccount,
    Linking,
    LinkRules,
    MakeAccount,
    RefuseAccount,
    TryLogin,
    choose,
    is_protected,
    logins_for,
)
from proxy.provisioning.model import AccountId, Binding, Member
from proxy.reasons import Reason
from tests.fakes.provisioning import GOOGLE, JOIN, binding, identity

RULES = LinkRules(join=JOIN)


def member(login: str = "ada", *, email: str | None = "ada@example.com", account: str = "1") -> Member:
    return Member(id=AccountId(account), login=login, email=email, name=None, is_active=True)


def chosen(
    *found: Member,
    rules: LinkRules = RULES,
    login: str = "ada",
    creating: str | None = None,
    bound: tuple[Binding, ...] = (),
) -> Linking:
    bindings = {AccountId("1"): bound} if bound else {}
    return choose(identity(), found, bindings, rules, login=login, creating=creating)


def reason(found: Linking) -> Reason:
    assert isinstance(found, RefuseAccount)
    return found.reason


def test_nothing_found_and_the_login_free_is_create() -> None:
    assert chosen() == MakeAccount(login="ada")


def test_one_account_of_the_address_is_linked() -> None:
    assert chosen(member("someone")) == LinkAccount(member=member("someone"))


def test_an_unbound_account_of_the_login_and_address_we_set_out_to_create_is_ours() -> None:
    assert chosen(member(), creating="ada") == LinkAccount(member=member(), is_ours=True)


@pytest.mark.parametrize(
    ("found", "bound"),
    [
        (member("other"), ()),
        (member(email="somebody@example.com"), ()),
        (member(), (binding("bob", "1"),)),
    ],
    ids=["another login", "another address", "bound"],
)
def test_anything_less_is_not_ours(found: Member, bound: tuple[Binding, ...]) -> None:
    linking = chosen(found, creating="ada", bound=bound)
    assert not (isinstance(linking, LinkAccount) and linking.is_ours)


def test_an_account_of_ours_among_several_of_the_address_is_ours() -> None:
    assert chosen(member("x", account="2"), member(), creating="ada") == LinkAccount(
        member=member(), is_ours=True
    )


def test_several_accounts_of_the_address_are_nobodys() -> None:
    assert reason(chosen(member("x"), member("y", account="2"))) is Reason.AMBIGUOUS_ACCOUNT


def test_a_login_of_somebody_else_is_never_a_link_but_the_next_pattern() -> None:
    assert chosen(member(email="bob@example.com")) == TryLogin(login="ada@example.com")


def test_when_the_patterns_are_used_up_the_login_is_taken() -> None:
    rules = replace(RULES, logins=("{username}",))
    assert reason(chosen(member(email="bob@example.com"), rules=rules)) is Reason.LOGIN_TAKEN
    assert reason(chosen(member(email=None), rules=rules)) is Reason.LOGIN_TAKEN


def test_a_login_that_differs_only_in_case_is_taken() -> None:
    assert isinstance(chosen(member("ADA", email="bob@example.com")), TryLogin)


def test_a_login_that_no_pattern_gives_any_more_is_refused_when_taken() -> None:
    assert reason(chosen(member("old", email="bob@example.com"), login="old")) is Reason.LOGIN_TAKEN


@pytest.mark.parametrize(
    ("shown", "is_equal"),
    [
        ("ADA@Example.com", True),
        ("ada@example.com ", False),
        ("ada@examp\u217ce.com", False),
        (None, False),
        ("", False),
    ],
)
def test_an_address_is_equal_but_for_the_case_of_ascii_letters(shown: str | None, is_equal: bool) -> None:
    assert isinstance(chosen(member("x", email=shown)), LinkAccount) is is_equal


def test_unicode_case_folding_takes_nobodys_account_over() -> None:
    sly = identity("sam", email="\u017fam@example.com")
    victim = member("sam", email="sam@example.com")
    assert choose(sly, (victim,), {}, RULES, login="x") == MakeAccount(login="x")


def test_unicode_lower_case_takes_nobodys_account_over() -> None:
    """The Kelvin sign has an ASCII lower case."""
    sly = identity("kim", email="\u212aim@example.com")
    victim = member("kim", email="kim@example.com")
    assert choose(sly, (victim,), {}, RULES, login="x") == MakeAccount(login="x")
    assert not is_protected(victim, frozenset({"\u212aim"}))


@pytest.mark.parametrize(
    ("found", "asked", "detail"),
    [
        ((member("x"), member("y", account="2")), {}, "2 accounts have the address"),
        (
            (member(),),
            {"rules": replace(RULES, may_link_by_email=False)},
            "account 'ada' has the address; linking by e-mail is off",
        ),
        ((member(),), {"rules": replace(RULES, protected=frozenset({"1"}))}, "account 'ada' is protected"),
        ((member(),), {"bound": (binding("bob", "1"),)}, "account 'ada' is bound already"),
        ((member("old", email=None),), {"login": "old"}, "login 'old' is somebody else's"),
    ],
)
def test_a_refusal_tells_the_operator_which_account(
    found: tuple[Member, ...], asked: dict[str, Any], detail: str
) -> None:
    refused = chosen(*found, **asked)
    assert isinstance(refused, RefuseAccount)
    assert refused.detail == detail


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (replace(RULES, protected=frozenset({"1"})), Reason.PROTECTED_ACCOUNT),
        (replace(RULES, protected=frozenset({"ADA"})), Reason.PROTECTED_ACCOUNT),
        (replace(RULES, protected=frozenset({"Ada@Example.com"})), Reason.PROTECTED_ACCOUNT),
        (replace(RULES, join=replace(JOIN, domains=frozenset({"other.example"}))), Reason.DOMAIN_NOT_ALLOWED),
        (replace(RULES, may_link_by_email=False), Reason.NOT_INVITED),
    ],
)
def test_what_may_not_be_linked_is_refused_with_the_reason(rules: LinkRules, expected: Reason) -> None:
    assert reason(chosen(member(), rules=rules)) is expected


def test_an_unverified_address_links_nothing() -> None:
    unverified = identity(is_email_verified=False)
    found = choose(unverified, (member(),), {}, RULES, login="ada")
    assert reason(found) is Reason.EMAIL_NOT_VERIFIED


def test_a_protected_account_is_not_even_ours() -> None:
    rules = replace(RULES, protected=frozenset({"1"}))
    assert reason(chosen(member(), creating="ada", rules=rules)) is Reason.PROTECTED_ACCOUNT


@pytest.mark.parametrize(
    ("bound", "may_link_across", "is_linked"),
    [
        ((binding("ada", "1", idp=GOOGLE),), False, False),
        ((binding("ada", "1", idp=GOOGLE),), True, True),
        ((binding("bob", "1"),), True, False),
        ((binding("ada", "1", idp=GOOGLE), binding("bob", "1")), True, False),
    ],
    ids=["second idp", "second idp, allowed", "second person", "both"],
)
def test_a_bound_account_is_linked_only_across_idps_and_where_the_operator_says_so(
    bound: tuple[Binding, ...], may_link_across: bool, is_linked: bool
) -> None:
    found = chosen(member(), bound=bound, rules=replace(RULES, may_link_across=may_link_across))
    assert isinstance(found, LinkAccount) is is_linked
    if not is_linked:
        assert reason(found) is Reason.BOUND_TO_ANOTHER


# --- logins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("templates", "username", "email", "expected"),
    [
        (
            ("{username}", "{email_local}", "{email}"),
            "ada",
            "a.l@example.com",
            ("ada", "a.l", "a.l@example.com"),
        ),
        (("{username}", "{email_local}"), None, "a.l@example.com", ("a.l",)),
        (("{username}", "{email_local}"), "ada", "ada@example.com", ("ada",)),
        (("corp-{username}", "{email_local}-2"), "ada", "a@example.com", ("corp-ada", "a-2")),
        (("{email}",), "ada", None, ()),
        (("{nonsense}",), "ada", None, ("{nonsense}",)),
    ],
)
def test_logins_are_made_from_patterns_in_their_order(
    templates: tuple[str, ...], username: str | None, email: str | None, expected: tuple[str, ...]
) -> None:
    assert logins_for(identity(username=username, email=email), templates) == expected


def test_what_the_idp_states_is_never_taken_for_a_pattern() -> None:
    assert logins_for(identity(username="{email}"), ("{username}",)) == ("{email}",)


def test_nobody_is_protected_by_an_empty_entry() -> None:
    assert not is_protected(member(email=None), frozenset({""}))

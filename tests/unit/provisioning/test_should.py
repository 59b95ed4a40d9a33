"""What somebody should have, from all sources: the table of `should.py`, row by row."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.model import Gone, Refused, Should, Statement, Wanted
from proxy.provisioning.outbox import SOURCE_SCIM
from proxy.provisioning.should import should_be
from proxy.reasons import Reason
from tests.fakes.provisioning import GOOGLE, JOIN, NOW, known, removed, vouched

GROUPS = GroupRules(
    links=tuple(Link(app_group=AppGroupName(name), idp_groups=known(name)) for name in ("a", "b"))
)
APP = frozenset({AppGroupName("a"), AppGroupName("b")})


def judged(*statements: Statement) -> Should:
    return should_be(statements, JOIN, GROUPS, APP)


def groups_of(should: Should) -> list[str] | None:
    assert isinstance(should, Wanted)
    groups = should.entitlement.groups
    return None if groups is None else sorted(groups)


def test_the_groups_of_all_that_vouch_are_united() -> None:
    assert groups_of(judged(vouched(groups=known("a")), vouched(groups=known("b"), idp=GOOGLE))) == ["a", "b"]


def test_a_silent_source_gives_its_last_known_groups() -> None:
    silent = vouched(last_known=known("a"))
    assert groups_of(judged(silent, vouched(groups=known("b"), idp=GOOGLE))) == ["a", "b"]


def test_a_source_that_denies_grants_nothing_any_more_and_archives_nobody_another_vouches_for() -> None:
    assert groups_of(judged(removed(last_known=known("a")), vouched(groups=known("b"), idp=GOOGLE))) == ["b"]


def test_nobody_ever_stated_groups() -> None:
    assert groups_of(judged(vouched(), vouched(idp=GOOGLE))) is None


def test_every_source_says_no() -> None:
    later = removed(idp=GOOGLE, at=NOW + 1, reason=Reason.TIMER_FIRED)
    assert judged(removed(), later) == Gone(reason=Reason.TIMER_FIRED)


def test_scim_where_it_manages_the_person_wins() -> None:
    inactive = removed(source=SOURCE_SCIM, at=NOW - 9)
    assert judged(vouched(groups=known("a")), inactive) == Gone(reason=Reason.IDP_DENIED)


def test_an_active_scim_statement_does_not_hide_that_the_rest_may_stay() -> None:
    active = replace(vouched(groups=known("a")), source=SOURCE_SCIM)
    assert groups_of(judged(removed(), active)) == ["a"]


def test_one_denied_address_keeps_the_whole_person_out() -> None:
    deny = replace(JOIN, deny=frozenset({"ada@old.example"}))
    statements = (vouched(), vouched(idp=GOOGLE, email="ada@old.example"))
    assert should_be(statements, deny, GROUPS, APP) == Refused(reason=Reason.DENY_LISTED)


def test_one_source_that_admits_is_enough() -> None:
    should = judged(vouched(), vouched(idp=GOOGLE, at=NOW + 1, email="ada@elsewhere.example"))
    assert isinstance(should, Wanted)
    assert should.identity.email == "ada@example.com", "the identity is one that was admitted"


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ((vouched(email="ada@elsewhere.example"),), Reason.DOMAIN_NOT_ALLOWED),
        ((vouched(email=None),), Reason.EMAIL_MISSING),
        ((), Reason.NOT_INVITED),
    ],
)
def test_refused_by_rule(statements: tuple[Statement, ...], reason: Reason) -> None:
    assert judged(*statements) == Refused(reason=reason)


def test_nothing_said_is_never_taken_for_a_removal() -> None:
    assert not isinstance(judged(), Gone)


def test_a_link_for_one_idp_hears_the_statements_of_that_one() -> None:
    (link, _) = GROUPS.links
    rules = replace(GROUPS, links=(replace(link, idps=frozenset({GOOGLE})),))
    for statement, expected in (
        (vouched(groups=known("a"), idp=GOOGLE), ["a"]),
        (vouched(groups=known("a")), []),
    ):
        assert groups_of(should_be((statement,), JOIN, rules, APP)) == expected


def test_what_equal_names_led_to_before_may_be_taken_away() -> None:
    rules = GroupRules(is_same_name=True)
    found = should_be((vouched(groups=known()),), JOIN, rules, APP, seen=frozenset({AppGroupName("a")}))
    assert isinstance(found, Wanted)
    assert found.entitlement.owned == {"a"}

"""The guard: what counts, how much is allowed, what a latch holds, and what a release lets go."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import IdpId
from proxy.provisioning.guard import (
    Figure,
    GuardRules,
    Judgement,
    idp_scope,
    judge,
    limit,
    link_scope,
    released_mark,
    scopes_of,
    scopes_to_count,
)
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Because,
    GroupId,
    Join,
    Leave,
    Operation,
    Plan,
    SetRole,
    Step,
)
from proxy.reasons import Reason

RULES = GuardRules()
IDP = IdpId("okta")
ADA = AccountId("1")
TEAM = AppGroup(id=GroupId("g"), name=AppGroupName("team"))
BECAUSE = Because(reason=Reason.PLANNED, about="x")


def step(operation: Operation, *, takes_away: bool = True) -> Step:
    return Step(operation=operation, because=BECAUSE, takes_away=takes_away)


ARCHIVE = step(Archive(account=ADA))
LEAVE = step(Leave(account=ADA, group=TEAM))
LOWER = step(SetRole(account=ADA, role=RoleName("reader")))
JOIN = step(Join(account=ADA, group=TEAM), takes_away=False)
RAISE = step(SetRole(account=ADA, role=RoleName("boss")), takes_away=False)


def judged(
    *steps: Step, figures: Mapping[str, Figure] | None = None, latched: frozenset[str] = frozenset()
) -> Judgement:
    return judge(Plan(steps=steps), figures or {}, latched, idp=IDP, person=ADA, rules=RULES)


@pytest.mark.parametrize(
    ("scope", "whole", "expected"),
    [
        ("idp:okta", 0, 5),
        ("idp:okta", 50, 5),
        ("idp:okta", 59, 5),
        ("idp:okta", 60, 6),
        ("idp:okta", 1000, 100),
        ("link:team", 0, 3),
        ("link:team", 10, 3),
        ("link:team", 13, 3),
        ("link:team", 14, 4),
        ("link:team", 100, 30),
    ],
)
def test_a_limit_is_a_number_or_a_share_whichever_is_larger(scope: str, whole: int, expected: int) -> None:
    assert limit(scope, whole, RULES) == expected


@pytest.mark.parametrize("reason", [Reason.ENDED_BY_OPERATOR, Reason.DENY_LISTED])
@pytest.mark.parametrize("one", [ARCHIVE, LEAVE, LOWER])
def test_what_an_operator_decided_is_neither_counted_nor_held(one: Step, reason: Reason) -> None:
    by_hand = replace(one, because=replace(one.because, reason=reason))
    assert scopes_of(by_hand, IDP) == ()
    latched = frozenset({idp_scope(IDP), link_scope(TEAM.name)})
    assert judged(by_hand, latched=latched) == Judgement(plan=Plan(steps=(by_hand,)))


@pytest.mark.parametrize(
    ("one", "scopes"),
    [
        (ARCHIVE, ("idp:okta",)),
        (LOWER, ("idp:okta",)),
        (LEAVE, ("idp:okta", "link:team")),
        (JOIN, ()),
        (RAISE, ()),
    ],
)
def test_only_what_takes_away_counts(one: Step, scopes: tuple[str, ...]) -> None:
    assert scopes_of(one, IDP) == scopes


def test_a_scope_is_counted_once_a_plan() -> None:
    assert scopes_to_count(Plan(steps=(LEAVE, LEAVE, LOWER, JOIN)), IDP) == ("idp:okta", "link:team")


@pytest.mark.parametrize(("count", "is_held"), [(5, False), (6, True)])
def test_the_first_person_beyond_the_limit_trips_it(count: int, is_held: bool) -> None:
    found = judged(ARCHIVE, figures={idp_scope(IDP): Figure(count=count, whole=10)})
    assert bool(found.held) is is_held
    assert bool(found.tripped) is is_held
    assert found.plan.steps == (() if is_held else (ARCHIVE,))


def test_a_tripped_link_holds_its_own_leaving_and_nothing_else() -> None:
    figures = {idp_scope(IDP): Figure(count=4, whole=10), link_scope(TEAM.name): Figure(count=4, whole=10)}
    found = judged(LEAVE, LOWER, JOIN, RAISE, figures=figures)
    assert found.plan.steps == (LOWER, JOIN, RAISE)
    assert [(held.scope, held.steps, held.reason) for held in found.held] == [
        ("link:team", (LEAVE,), Reason.GUARD_TRIPPED)
    ]


def test_a_latched_idp_holds_everything_that_takes_away_without_counting() -> None:
    found = judged(ARCHIVE, LEAVE, JOIN, latched=frozenset({"idp:okta"}))
    assert found.plan.steps == (JOIN,)
    assert found.tripped == frozenset(), "it was latched before"


def test_the_latch_of_another_idp_or_link_holds_nothing() -> None:
    assert judged(LEAVE, latched=frozenset({"idp:google", "link:other"})).plan.steps == (LEAVE,)


def test_whoever_was_released_goes_on_while_the_latch_stands_for_the_rest() -> None:
    latched = frozenset({"idp:okta", released_mark("idp:okta", ADA)})
    assert judged(ARCHIVE, latched=latched).held == ()
    assert judged(ARCHIVE, latched=latched - {released_mark("idp:okta", ADA)}).held != ()


def test_a_release_from_one_scope_is_none_from_another() -> None:
    latched = frozenset({"idp:okta", "link:team", released_mark("idp:okta", ADA)})
    assert [held.scope for held in judged(LEAVE, latched=latched).held] == ["link:team"]


def test_whoever_was_released_trips_nothing() -> None:
    latched = frozenset({released_mark("idp:okta", ADA)})
    figures = {"idp:okta": Figure(count=99, whole=10)}
    assert judged(ARCHIVE, figures=figures, latched=latched).tripped == frozenset()


def test_notes_pass_through() -> None:
    found = judge(Plan(notes=(BECAUSE,)), {}, frozenset(), idp=IDP, person=ADA, rules=RULES)
    assert found.plan.notes == (BECAUSE,)


def test_of_somebody_no_idp_vouched_for_only_links_count() -> None:
    assert scopes_of(ARCHIVE, None) == ()
    assert scopes_of(LEAVE, None) == ("link:team",)


def test_what_an_idp_holds_is_every_step_that_takes_away() -> None:
    found = judged(LEAVE, LOWER, JOIN, latched=frozenset({"idp:okta"}))
    assert [(held.scope, held.steps) for held in found.held] == [("idp:okta", (LEAVE, LOWER))]

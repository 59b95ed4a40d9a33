"""Edits by hand in linked groups are told by what Muster last left behind."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName
from proxy.provisioning.hand_edits import PUT_IN, TAKEN_OUT, may_be_by_hand, noted
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Because,
    GroupId,
    Join,
    Leave,
    Member,
    Operation,
    Plan,
    Step,
)
from proxy.reasons import Reason

ADA = Member(id=AccountId("1"), login="ada", email=None, name=None, is_active=True)
TEAM = AppGroup(id=GroupId("g"), name=AppGroupName("Cafe\u0301"))
JOIN, LEAVE = Join(account=ADA.id, group=TEAM), Leave(account=ADA.id, group=TEAM)
KNOWN = frozenset({AppGroupName("Caf\u00e9")})


def planned(operation: Operation, cause: str = "why") -> Plan:
    because = Because(reason=Reason.LINKED, about="team", cause=cause)
    return Plan(steps=(Step(operation=operation, because=because),))


@pytest.mark.parametrize(
    ("operation", "applied", "cause"),
    [
        (JOIN, KNOWN, f"why; {TAKEN_OUT}"),
        (JOIN, frozenset(), "why"),
        (LEAVE, frozenset(), f"why; {PUT_IN}"),
        (LEAVE, KNOWN, "why"),
        (Archive(account=ADA.id), KNOWN, "why"),
    ],
)
def test_the_cause_says_what_was_done_by_hand(
    operation: Operation, applied: frozenset[AppGroupName], cause: str
) -> None:
    (step,) = noted(planned(operation), applied).steps
    assert (step.operation, step.because.cause, step.because.reason) == (operation, cause, Reason.LINKED)


def test_a_step_without_a_cause_gets_one() -> None:
    assert noted(planned(JOIN, ""), KNOWN).steps[0].because.cause == TAKEN_OUT


def test_only_joins_and_leaves_of_an_active_account_are_asked_about() -> None:
    assert may_be_by_hand(planned(JOIN), ADA)
    assert may_be_by_hand(planned(LEAVE), ADA)
    assert not may_be_by_hand(planned(JOIN), replace(ADA, is_active=False))
    assert not may_be_by_hand(planned(Archive(account=ADA.id)), ADA)

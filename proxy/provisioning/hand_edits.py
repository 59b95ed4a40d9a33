"""Which steps of a plan put right what somebody did in the app by hand (semantics §7.8); their causes say so.

Told by the groups that the account was in when Muster was last done with it:

| step | the group was | somebody |
|---|---|---|
| join | among them | took the person out |
| leave | not among them | put the person in, or they were in before the group was linked |
| any other, or one of an archived account | – | nobody: what an archived account is in was not remembered |
"""

from collections.abc import Set
from dataclasses import replace
from typing import Final

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName
from proxy.provisioning.model import Join, Leave, Member, Plan, Step

TAKEN_OUT: Final = "taken out by hand in the app"
PUT_IN: Final = "put in by hand in the app, or before the group was linked"


def may_be_by_hand(planned: Plan, member: Member) -> bool:
    """Whether it is worth asking which groups the account was in."""
    return member.is_active and any(isinstance(step.operation, Join | Leave) for step in planned.steps)


def noted(planned: Plan, applied: Set[AppGroupName]) -> Plan:
    """The same plan; `applied` are the groups that the account was in when Muster was last done with it."""
    return replace(planned, steps=tuple(_noted(step, applied) for step in planned.steps))


def _noted(step: Step, applied: Set[AppGroupName]) -> Step:
    match step.operation:
        case Join(group=group) if normal(group.name) in applied:
            return _because(step, TAKEN_OUT)
        case Leave(group=group) if normal(group.name) not in applied:
            return _because(step, PUT_IN)
        case _:
            return step


def _because(step: Step, edit: str) -> Step:
    cause = f"{step.because.cause}; {edit}" if step.because.cause else edit
    return replace(step, because=replace(step.because, cause=cause))

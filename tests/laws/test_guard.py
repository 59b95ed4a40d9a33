"""Laws of the guard: nothing is lost, nothing is let through, and what gives is never held."""

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.guard import (
    Figure,
    GuardRules,
    judge,
    limit,
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
from tests.fakes.provisioning import OKTA

ADA = AccountId("1")
RULES = GuardRules()
GROUPS = [AppGroup(id=GroupId(name), name=AppGroupName(name)) for name in ("a", "b")]
OPERATIONS: list[Operation] = [
    Archive(account=ADA),
    SetRole(account=ADA, role=RoleName("reader")),
    *(Leave(account=ADA, group=group) for group in GROUPS),
    *(Join(account=ADA, group=group) for group in GROUPS),
]
BECAUSE = Because(reason=Reason.PLANNED, about="x")
SCOPES = ["idp:okta", "link:a", "link:b"]

plans = st.lists(st.sampled_from(OPERATIONS), unique=True).map(
    lambda some: Plan(
        steps=tuple(
            Step(operation=one, because=BECAUSE, takes_away=not isinstance(one, Join)) for one in some
        )
    )
)
figures = st.dictionaries(
    st.sampled_from(SCOPES),
    st.builds(Figure, count=st.integers(1, 50), whole=st.integers(0, 200)),
)
latches = st.frozensets(st.sampled_from([*SCOPES, *(released_mark(scope, ADA) for scope in SCOPES)]))


@given(plans, figures, latches)
def test_every_step_is_either_allowed_or_held(
    plan: Plan, counted: dict[str, Figure], latched: frozenset[str]
) -> None:
    found = judge(plan, counted, latched, idp=OKTA, person=ADA, rules=RULES)
    held = {step for one in found.held for step in one.steps}
    assert {*found.plan.steps, *held} == set(plan.steps)
    assert not held & set(found.plan.steps)
    assert [step for step in plan.steps if step not in held] == list(found.plan.steps), "the order stays"


@given(plans, figures, latches)
def test_what_gives_is_never_held(plan: Plan, counted: dict[str, Figure], latched: frozenset[str]) -> None:
    found = judge(plan, counted, latched, idp=OKTA, person=ADA, rules=RULES)
    assert all(step.takes_away for one in found.held for step in one.steps)


@given(plans, figures, latches)
def test_nothing_passes_a_latch_without_a_release(
    plan: Plan, counted: dict[str, Figure], latched: frozenset[str]
) -> None:
    found = judge(plan, counted, latched, idp=OKTA, person=ADA, rules=RULES)
    for step in found.plan.steps:
        for scope in scopes_of(step, OKTA):
            is_open = scope not in latched or released_mark(scope, ADA) in latched
            assert is_open
            assert scope not in found.tripped


@given(plans)
def test_a_person_counts_once_in_a_scope_however_much_they_lose(plan: Plan) -> None:
    scopes = scopes_to_count(plan, OKTA)
    assert len(scopes) == len(set(scopes)) <= len(SCOPES)


@given(st.sampled_from(SCOPES), st.integers(0, 10_000))
@example("idp:okta", 59)
@example("link:a", 13)
def test_a_limit_never_shrinks_below_its_number_nor_with_a_larger_whole(scope: str, whole: int) -> None:
    least = RULES.least_of_link if scope.startswith("link:") else RULES.least_members
    assert least <= limit(scope, whole, RULES) <= limit(scope, whole + 1, RULES)

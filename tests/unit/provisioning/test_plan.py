"""The plan: its table, row by row."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, Role, RoleName
from proxy.provisioning.app_admin import Capabilities, NameLimits
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Because,
    Create,
    CreateGroup,
    Entitlement,
    Gone,
    GroupId,
    Join,
    Leave,
    Member,
    Operation,
    Plan,
    Profile,
    Refused,
    Restore,
    SetProfile,
    SetRole,
    Should,
    Step,
    Wanted,
)
from proxy.provisioning.performing import operation_name
from proxy.provisioning.plan import Terms, is_higher, plan
from proxy.reasons import Reason
from tests.fakes.provisioning import binding, identity

ABLE = Capabilities(can_set_role=True, can_create_group=True, can_set_profile=True)
ORDER = tuple(Role(name=RoleName(name)) for name in ("reader", "writer", "boss"))
TERMS = Terms(capabilities=ABLE, binding=binding(), roles=ORDER)
APP = tuple(AppGroup(id=GroupId(f"#{name}"), name=AppGroupName(name)) for name in ("a", "b", "c"))


def names(groups: str) -> frozenset[AppGroupName]:
    return frozenset(AppGroupName(group) for group in groups.split())


def wanted(
    groups: str | None = "",
    *,
    owned: str = "a b",
    role: str | None = None,
    is_exact: bool = False,
    watched: str = "",
) -> Wanted:
    return Wanted(
        identity=identity(),
        entitlement=Entitlement(
            groups=None if groups is None else names(groups),
            owned=names(owned),
            role=RoleName(role) if role else None,
            is_role_exact=is_exact,
            observed=names(watched),
            observed_owned=names("c") if watched else frozenset(),
        ),
    )


def member(groups: str = "", *, is_active: bool = True, role: str | None = None) -> Member:
    return Member(
        id=AccountId("1"),
        login="ada",
        email="ada@example.com",
        name="Ada",
        is_active=is_active,
        role=RoleName(role) if role else None,
        groups=frozenset(GroupId(f"#{group}") for group in groups.split()),
    )


def steps(planned: Plan) -> list[str]:
    """As `leave a`, `set_role writer`, `archive`."""
    return [f"{operation_name(step.operation)} {_about(step.operation)}".strip() for step in planned.steps]


def _about(operation: object) -> str:
    found = (
        getattr(operation, "group", None)
        or getattr(operation, "role", None)
        or getattr(operation, "name", "")
    )
    return str(getattr(found, "name", found))


def reasons(planned: Plan) -> list[Reason]:
    return [note.reason for note in planned.notes]


GONE = Gone(reason=Reason.IDP_DENIED)
ARCHIVED = member("a", is_active=False)


# --- the table ----------------------------------------------------------------------------------------------------


def test_wanted_without_an_account_is_created_and_nothing_else() -> None:
    terms = replace(TERMS, profile=Profile(login="ada", email=None, name=None))
    assert steps(plan(wanted("a", role="writer"), None, APP, terms)) == ["create"]


def test_wanted_without_an_account_and_none_may_be_made() -> None:
    assert plan(wanted("a"), None, APP, TERMS) == Plan()


def test_wanted_and_archived_loses_first_comes_back_then_gains() -> None:
    given = replace(TERMS, binding=binding(role="writer"))
    found = plan(wanted("b", role="reader"), replace(ARCHIVED, role=RoleName("writer")), APP, given)
    assert steps(found) == ["leave a", "set_role reader", "restore", "join b"]
    assert not any(step.takes_away for step in found.steps), "nobody loses what they could not use"


def test_wanted_and_archived_in_an_app_that_changes_no_archived_account_comes_back_first() -> None:
    stiff = replace(TERMS, capabilities=replace(ABLE, can_edit_archived=False))
    assert steps(plan(wanted("b"), ARCHIVED, APP, stiff)) == ["restore", "leave a", "join b"]


def test_wanted_and_active_loses_first_and_gains_power_last() -> None:
    found = plan(wanted("b new", role="boss"), member("a", role="reader"), APP, TERMS)
    assert steps(found) == ["leave a", "create_group new", "join b", "set_role boss"]
    assert [step.takes_away for step in found.steps] == [True, False, False, False]


def test_wanted_with_groups_never_stated_is_restored_and_nothing_else() -> None:
    assert steps(plan(wanted(None, role="reader"), replace(ARCHIVED, role=RoleName("boss")), APP, TERMS)) == [
        "restore"
    ]


def test_gone_and_active_is_archived() -> None:
    (step,) = plan(GONE, member("a"), APP, TERMS).steps
    assert operation_name(step.operation) == "archive"
    assert (step.takes_away, step.because.reason) == (True, Reason.IDP_DENIED)


@pytest.mark.parametrize("account", [None, ARCHIVED])
def test_gone_and_away_is_nothing_to_do(account: Member | None) -> None:
    assert plan(GONE, account, APP, TERMS) == Plan()


@pytest.mark.parametrize(
    ("terms", "cause"),
    [
        (replace(TERMS, is_protected=True), "protected account"),
        (replace(TERMS, is_last_admin=True), "last administrator"),
    ],
)
def test_the_protected_and_the_last_administrator_are_never_archived_removed_or_demoted(
    terms: Terms, cause: str
) -> None:
    given = replace(terms, binding=binding(role="boss"))
    found = plan(GONE, member("a"), APP, given)
    assert (found.steps, [note.cause for note in found.notes]) == ((), [cause])
    found = plan(wanted("b", role="reader"), member("a", role="boss"), APP, given)
    assert steps(found) == ["join b"]
    assert reasons(found) == [Reason.PROTECTED_LEFT_ALONE] * 2


def test_gone_in_an_app_that_cannot_archive_leaves_what_is_owned() -> None:
    terms = replace(TERMS, capabilities=Capabilities(can_archive=False), owned=names("a b"))
    found = plan(GONE, member("a c"), APP, terms)
    assert steps(found) == ["leave a"]
    assert reasons(found) == [Reason.NO_ARCHIVE]


@pytest.mark.parametrize(("terms", "expected"), [(TERMS, ["archive"]), (replace(TERMS, binding=None), [])])
def test_on_the_deny_list_whoever_is_bound_goes(terms: Terms, expected: list[str]) -> None:
    assert steps(plan(Refused(reason=Reason.DENY_LISTED), member("a"), APP, terms)) == expected


@pytest.mark.parametrize("reason", [Reason.DOMAIN_NOT_ALLOWED, Reason.EMAIL_NOT_VERIFIED, Reason.NOT_INVITED])
def test_refused_otherwise_stays(reason: Reason) -> None:
    assert plan(Refused(reason=reason), member("a"), APP, TERMS) == Plan()


# --- groups -------------------------------------------------------------------------------------------------------


def test_groups_that_nobody_linked_are_never_touched() -> None:
    assert steps(plan(wanted(""), member("a c"), APP, TERMS)) == ["leave a"]


def test_the_cause_of_a_join_is_the_claim_that_led_there() -> None:
    because = Because(reason=Reason.LINKED, about="a", cause="okta group 'x'")
    should = wanted("a")
    should = replace(should, entitlement=replace(should.entitlement, because=(because,)))
    assert plan(should, member(), APP, TERMS).steps[0].because == because


def test_two_groups_of_one_name_are_neither() -> None:
    twice = (*APP, AppGroup(id=GroupId("#a2"), name=AppGroupName("a")))
    assert reasons(plan(wanted("a"), member("a"), twice, TERMS)) == [Reason.APP_GROUP_MISSING]
    assert plan(wanted(""), member("a"), twice, TERMS).steps == ()


def test_the_apps_names_are_compared_in_nfc() -> None:
    group = AppGroup(id=GroupId("1"), name=AppGroupName("cafe\u0301"))
    assert steps(plan(wanted("caf\u00e9", owned="caf\u00e9"), member(), (group,), TERMS)) == [
        "join cafe\u0301"
    ]


def test_a_group_that_cannot_be_made_is_said() -> None:
    unable = replace(TERMS, capabilities=Capabilities())
    found = plan(wanted("new"), member(), APP, unable)
    assert (found.steps, reasons(found)) == ((), [Reason.APP_GROUP_MISSING])


def test_an_app_whose_groups_cannot_be_changed_is_left_alone() -> None:
    unable = replace(TERMS, capabilities=Capabilities(can_change_groups=False))
    found = plan(wanted("b"), member("a"), APP, unable)
    assert (found.steps, reasons(found)) == ((), [Reason.APP_REFUSED])


@pytest.mark.parametrize(
    ("watched", "present", "causes"),
    [("c", "", ["would join"]), ("d", "c", ["would join", "would leave"]), ("c", "c", [])],
)
def test_what_is_only_watched_is_said_and_not_done(watched: str, present: str, causes: list[str]) -> None:
    found = plan(wanted("", watched=watched), member(present), APP, TERMS)
    assert (found.steps, [note.cause for note in found.notes]) == ((), causes)


# --- roles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "role", "granted", "is_exact", "expected"),
    [
        ("reader", "writer", None, False, ["set_role writer"]),
        ("writer", "writer", None, False, []),
        ("writer", "writer", "writer", True, []),
        ("writer", None, "writer", True, []),
        ("writer", "reader", None, False, []),
        ("writer", "reader", "writer", False, ["set_role reader"]),
        ("boss", "reader", "writer", False, []),
        ("boss", "reader", None, True, ["set_role reader"]),
        ("odd", "reader", None, False, []),
        ("odd", "reader", None, True, ["set_role reader"]),
        (None, "reader", None, False, ["set_role reader"]),
        (None, "reader", "reader", False, []),
    ],
    ids=[
        "raised", "as it should be", "as it should be, ours", "no role is asked for",
        "a floor", "ours to take back", "raised by hand since", "exact",
        "one we do not know", "one we do not know, exact", "none", "none shown, but we gave it",
    ],
)  # fmt: skip
def test_a_role_is_raised_and_lowered_only_where_that_is_ours(
    present: str | None, role: str | None, granted: str | None, is_exact: bool, expected: list[str]
) -> None:
    terms = replace(TERMS, binding=binding(role=granted))
    found = plan(wanted("", role=role, is_exact=is_exact), member(role=present), APP, terms)
    assert steps(found) == expected


def test_an_app_without_roles_gets_none() -> None:
    unable = replace(TERMS, capabilities=Capabilities())
    assert plan(wanted("", role="writer"), member(), APP, unable).steps == ()


@pytest.mark.parametrize(("granted", "expected"), [("reader", ["set_role writer"]), (None, []), ("boss", [])])
def test_with_groups_never_stated_only_a_role_that_is_ours_is_raised(
    granted: str | None, expected: list[str]
) -> None:
    terms = replace(TERMS, binding=binding(role=granted))
    assert steps(plan(wanted(None, role="writer"), member(role="reader"), APP, terms)) == expected


def test_with_groups_never_stated_no_role_is_lowered() -> None:
    terms = replace(TERMS, binding=binding(role="writer"))
    assert plan(wanted(None, role="reader", is_exact=True), member(role="writer"), APP, terms).steps == ()


def test_roles_outside_the_order_do_not_compare() -> None:
    assert is_higher(RoleName("boss"), RoleName("reader"), ORDER)
    assert not is_higher(RoleName("reader"), RoleName("reader"), ORDER)
    assert not is_higher(RoleName("odd"), RoleName("reader"), ORDER)


# --- profiles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keeps", "is_protected", "shown", "expected"),
    [
        (True, False, {"name": "Old"}, 1),
        (True, False, {"email": "ADA@example.com"}, 0),
        (True, False, {"email": "old@example.com"}, 1),
        (True, True, {"name": "Old"}, 0),
        (False, False, {"name": "Old"}, 0),
    ],
)
def test_a_profile_follows_the_idp_only_where_the_operator_wants_that(
    keeps: bool, is_protected: bool, shown: dict[str, str], expected: int
) -> None:
    terms = replace(TERMS, keeps_profile=keeps, is_protected=is_protected)
    account = replace(member(), **shown)  # type: ignore[arg-type]  # fields of Member
    assert len(plan(wanted(""), account, APP, terms).steps) == expected


def test_a_name_that_the_app_cuts_is_not_written_for_ever() -> None:
    short = replace(TERMS.capabilities, name_limits=NameLimits(first_name=2), can_set_profile=True)
    terms = replace(TERMS, keeps_profile=True, capabilities=short)
    account = member()
    assert account.name is not None
    cut = replace(account, name=short.name_limits.kept(account.name))
    assert cut.name != account.name
    assert plan(wanted(""), cut, APP, terms).steps == ()


def test_leaving_names_the_login_for_apps_that_want_it() -> None:
    (step,) = plan(wanted(""), member("a"), APP, TERMS).steps
    assert step.operation == Leave(account=AccountId("1"), group=APP[0], login="ada")


@pytest.mark.parametrize("should", [wanted("a"), GONE, Refused(reason=Reason.DENY_LISTED)])
def test_the_plan_is_a_value(should: Should) -> None:
    assert plan(should, member("b"), APP, TERMS) == plan(should, member("b"), APP, TERMS)


# --- word for word ------------------------------------------------------------------------------------------------

ADA = AccountId("1")


def step(operation: Operation, about: str, cause: str, *, takes_away: bool = False, **reason: Reason) -> Step:
    because = Because(reason=reason.get("reason", Reason.PLANNED), about=about, cause=cause)
    return Step(operation=operation, because=because, takes_away=takes_away)


LEFT = step(
    Leave(account=ADA, group=APP[0], login="ada"),
    "a",
    "no group of theirs leads here",
    takes_away=True,
    reason=Reason.NO_MATCH,
)
LOWERED = step(SetRole(account=ADA, role=RoleName("reader")), "reader", "as entitled", takes_away=True)
JOINED = step(Join(account=ADA, group=APP[1], login="ada"), "b", "as entitled")
MADE = step(CreateGroup(name=AppGroupName("new")), "new", "as entitled")
RAISED = step(SetRole(account=ADA, role=RoleName("boss")), "boss", "as entitled")
RESTORED = step(Restore(account=ADA), "restore", "vouched for again")
OURS = replace(TERMS, binding=binding(role="writer"))
NO_ARCHIVE = replace(TERMS, capabilities=Capabilities(can_archive=False), owned=names("a b"))


def test_a_creation_word_for_word() -> None:
    profile = Profile(login="ada", email="ada@example.com", name="Ada")
    made = step(Create(profile=profile), "create", "vouched for, and has no account")
    assert plan(wanted("a"), None, APP, replace(TERMS, profile=profile)) == Plan(steps=(made,))


def test_what_is_lost_counts_as_taken_away_and_what_is_gained_does_not() -> None:
    found = plan(wanted("b new", role="reader"), member("a", role="writer"), APP, OURS)
    assert found.steps == (LEFT, LOWERED, MADE, JOINED)
    assert plan(wanted("a", role="boss"), member("a", role="writer"), APP, OURS).steps == (RAISED,)


def test_coming_back_word_for_word() -> None:
    found = plan(wanted("b", role="reader"), replace(ARCHIVED, role=RoleName("writer")), APP, OURS)
    lost = [replace(one, takes_away=False) for one in (LEFT, LOWERED)]
    assert found.steps == (*lost, RESTORED, JOINED)


@pytest.mark.parametrize(
    ("should", "reason"),
    [(GONE, Reason.IDP_DENIED), (Refused(reason=Reason.DENY_LISTED), Reason.DENY_LISTED)],
)
def test_going_word_for_word(should: Should, reason: Reason) -> None:
    archived = step(Archive(account=ADA), "archive", "locks the account", takes_away=True, reason=reason)
    locking = replace(TERMS, capabilities=replace(ABLE, archive_means="locks the account"))
    assert plan(should, member("a"), APP, locking).steps == (archived,)
    kept_out = "the app can only delete: kept out at the gate instead"
    assert plan(should, member("a c"), APP, NO_ARCHIVE) == Plan(
        steps=(replace(LEFT, because=replace(LEFT.because, reason=reason)),),
        notes=(Because(reason=Reason.NO_ARCHIVE, about="archive", cause=kept_out),),
    )


def test_a_profile_word_for_word() -> None:
    terms = replace(TERMS, keeps_profile=True)
    found = plan(wanted(""), replace(member(), email="old@example.com", name="Old"), APP, terms)
    operation = SetProfile(account=ADA, email="ada@example.com", name="Ada")
    assert found.steps == (step(operation, "profile", "okta states another one"),)


@pytest.mark.parametrize(
    "shown", [{"name": "Old", "email": "old@example.com"}, {"name": None, "email": None}]
)
def test_what_the_idp_does_not_state_is_left_as_the_app_has_it(shown: dict[str, str | None]) -> None:
    silent = replace(wanted(""), identity=replace(identity(email=None), name=None))
    account = replace(member(), **shown)  # type: ignore[arg-type]  # fields of Member
    assert plan(silent, account, APP, replace(TERMS, keeps_profile=True)) == Plan()


def test_what_is_left_alone_is_named() -> None:
    terms = replace(OURS, is_protected=True)
    assert [note.about for note in plan(GONE, member("a"), APP, terms).notes] == ["archive"]
    notes = plan(wanted("", role="reader"), member("a", role="writer"), APP, terms).notes
    assert [note.about for note in notes] == ["a", "role writer"]


@pytest.mark.parametrize(
    ("lacking", "able", "reason", "cause"),
    [
        ("b", Capabilities(can_change_groups=False), Reason.APP_REFUSED, "the app's API changes no groups"),
        ("new", Capabilities(), Reason.APP_GROUP_MISSING, "the app's API makes no groups"),
        ("a", ABLE, Reason.APP_GROUP_MISSING, "two groups have this name"),
    ],
)
def test_a_group_that_is_not_to_be_had_is_named_with_the_cause(
    lacking: str, able: Capabilities, reason: Reason, cause: str
) -> None:
    twice = (*APP, AppGroup(id=GroupId("#a2"), name=AppGroupName("a")))
    found = plan(wanted(lacking), member(), twice, replace(TERMS, capabilities=able))
    assert found == Plan(notes=(Because(reason=reason, about=lacking, cause=cause),))


def test_what_is_only_watched_is_named() -> None:
    notes = plan(wanted("", watched="d"), member("c"), APP, TERMS).notes
    assert [(note.reason, note.about) for note in notes] == [
        (Reason.OBSERVED_ONLY, "d"),
        (Reason.OBSERVED_ONLY, "c"),
    ]

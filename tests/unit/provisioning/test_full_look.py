"""Comparing one person with what the app shows, row by row."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.groups.rules import AppGroupName, GroupRules, Link, LinkMode, Role, RoleName, RoleRules
from proxy.provisioning.full_look import (
    Agrees,
    Differs,
    Left,
    Whole,
    cleared_of_unknown,
    is_out_of_place,
    look_at,
    mark,
    to_read,
    unknown_members,
)
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Entry,
    EntryState,
    Gone,
    GroupId,
    Join,
    Leave,
    Member,
    Refused,
    Should,
)
from proxy.provisioning.plan import Terms
from proxy.provisioning.should import should_be
from proxy.reasons import Reason
from tests.fakes.app_admin import FULL
from tests.fakes.provisioning import JOIN, binding, known, removed, vouched

ENGINEERS = AppGroup(id=GroupId("g1"), name=AppGroupName("engineers"))
SALES = AppGroup(id=GroupId("g2"), name=AppGroupName("sales"))
CHESS = AppGroup(id=GroupId("g3"), name=AppGroupName("chess"))
ALL = (ENGINEERS, SALES, CHESS)
RULES = GroupRules(
    links=(
        Link(app_group=ENGINEERS.name, idp_groups=known("eng")),
        Link(app_group=SALES.name, idp_groups=known("sales"), mode=LinkMode.OBSERVE),
    )
)
ADA = Member(id=AccountId("1"), login="ada", email="ada@example.com", name="Ada", is_active=True)
TERMS = Terms(capabilities=FULL, binding=binding(), owned=frozenset({ENGINEERS.name}))


def entry(*statements: object, state: EntryState = EntryState.DONE, **changes: object) -> Entry:
    made = Entry(id=1, account_id=ADA.id, statements=(), state=state, version=1)
    return replace(made, statements=statements or (vouched(groups=known("eng")),), **changes)  # type: ignore[arg-type]  # a test's own fields


def should(one: Entry) -> Should:
    return should_be(one.statements, JOIN, RULES, frozenset(group.name for group in ALL))


def test_whoever_is_where_they_should_be_agrees() -> None:
    there = replace(ADA, groups=frozenset({ENGINEERS.id}))
    assert look_at(entry(), should(entry()), there, ALL, TERMS) == Agrees()


def test_whoever_is_missing_from_a_group_differs_by_what_the_planner_says() -> None:
    found = look_at(entry(), should(entry()), ADA, ALL, TERMS)
    assert isinstance(found, Differs)
    assert [step.operation for step in found.plan.steps] == [
        Join(account=ADA.id, group=ENGINEERS, login="ada")
    ]


def test_a_manual_edit_in_a_linked_group_differs_and_one_elsewhere_does_not() -> None:
    nobody = entry(vouched(groups=known()))
    by_hand = replace(ADA, groups=frozenset({ENGINEERS.id, CHESS.id}))
    found = look_at(nobody, should(nobody), by_hand, ALL, TERMS)
    assert isinstance(found, Differs)
    assert [step.operation for step in found.plan.steps] == [
        Leave(account=ADA.id, group=ENGINEERS, login="ada")
    ]
    assert look_at(nobody, should(nobody), replace(ADA, groups=frozenset({CHESS.id})), ALL, TERMS) == Agrees()


def test_what_a_watched_link_would_change_is_a_note() -> None:
    sold = entry(vouched(groups=known("sales")))
    found = look_at(sold, should(sold), ADA, ALL, TERMS)
    assert isinstance(found, Agrees)
    assert [(note.reason, note.about) for note in found.notes] == [(Reason.OBSERVED_ONLY, "sales")]


def test_whoever_was_archived_in_the_app_stays_so_until_their_idp_vouches_again() -> None:
    found = look_at(entry(), should(entry()), replace(ADA, is_active=False), ALL, TERMS)
    assert found == Left(reason=Reason.ARCHIVED_IN_APP, detail="until their IdP vouches for them again")


def test_somebody_gone_who_was_switched_on_by_hand_is_archived_again() -> None:
    gone = entry(removed())
    found = look_at(gone, should(gone), ADA, ALL, TERMS)
    assert isinstance(found, Differs)
    assert [step.operation for step in found.plan.steps] == [Archive(account=ADA.id)]


def test_an_account_that_is_not_there_is_for_the_next_sign_in() -> None:
    assert look_at(entry(), should(entry()), None, ALL, TERMS) == Left(reason=Reason.ACCOUNT_GONE)
    gone = entry(removed())
    assert look_at(gone, should(gone), None, ALL, TERMS) == Agrees()


@pytest.mark.parametrize(
    ("state", "changes", "expected"),
    [
        (EntryState.OPEN, {}, Left(reason=Reason.BEING_SET_UP, detail="the courier is at it")),
        (
            EntryState.HELD,
            {"detail": "idp:okta\nlink:engineers"},
            Left(reason=Reason.GUARD_TRIPPED, detail="idp:okta, link:engineers"),
        ),
        (
            EntryState.PARKED,
            {"reason": Reason.LOGIN_TAKEN, "detail": "x"},
            Left(reason=Reason.LOGIN_TAKEN, detail="x"),
        ),
        (EntryState.PARKED, {}, Left(reason=Reason.APP_REFUSED)),
        (EntryState.DROPPED, {"detail": "idp:okta"}, Left(reason=Reason.DROPPED, detail="idp:okta")),
    ],
)
def test_what_waits_already_is_left_with_its_reason(
    state: EntryState, changes: dict[str, object], expected: Left
) -> None:
    one = entry(state=state, **changes)
    assert look_at(one, should(one), ADA, ALL, TERMS) == expected


def whole(*members_of: tuple[str, ...]) -> Whole:
    masks: dict[AccountId, int] = {}
    for bit, members in enumerate(members_of):
        mark(masks, bit, [AccountId(one) for one in members])
    return Whole(groups=ALL, looked=ALL[: len(members_of)], masks=masks, names=frozenset())


def test_a_groups_list_alone_shows_who_is_out_of_place() -> None:
    nobody, silent = entry(vouched(groups=known())), entry(vouched())
    inside, outside = whole(("1",)), whole(())
    assert is_out_of_place(should(entry()), ADA.id, ENGINEERS, outside)
    assert not is_out_of_place(should(entry()), ADA.id, ENGINEERS, inside)
    assert is_out_of_place(should(nobody), ADA.id, ENGINEERS, inside)
    assert not is_out_of_place(should(silent), ADA.id, ENGINEERS, inside)
    assert is_out_of_place(Gone(reason=Reason.IDP_DENIED), ADA.id, ENGINEERS, inside)
    assert not is_out_of_place(Refused(reason=Reason.DOMAIN_NOT_ALLOWED), ADA.id, ENGINEERS, inside)


def test_a_group_that_nobody_owns_puts_nobody_out_of_place() -> None:
    assert not is_out_of_place(should(entry()), ADA.id, CHESS, whole((), (), ("1",)))


def test_only_groups_that_somebody_ruled_about_are_read() -> None:
    assert to_read(ALL, RULES) == (ENGINEERS, SALES)
    assert to_read(ALL, replace(RULES, is_same_name=True)) == ALL
    assert to_read(ALL, replace(RULES, is_enabled=False)) == ()


def test_unknown_members_matter_in_active_links_alone() -> None:
    """Role groups and the default group hold whoever was in the app before Muster."""
    roles = RoleRules(order=(Role(name=RoleName("reader"), group=AppGroupName("readers")),))
    rules = replace(RULES, roles=roles, is_same_name=True)
    seen = frozenset({CHESS.name, SALES.name})
    assert cleared_of_unknown(RULES, seen) == {ENGINEERS.name}
    assert cleared_of_unknown(rules, seen) == {ENGINEERS.name, CHESS.name}
    assert cleared_of_unknown(replace(rules, is_enabled=False), seen) == frozenset()


def test_members_nobody_is_bound_to_are_found_with_the_groups_that_matter() -> None:
    seen = whole(("1", "2", "3"), ("2",), ("3", "4"))
    bound = {AccountId("1"): ()}
    matter = frozenset({ENGINEERS.name, SALES.name})
    assert dict(unknown_members(seen, bound, matter)) == {"2": (ENGINEERS, SALES), "3": (ENGINEERS,)}


def test_an_account_has_the_groups_it_was_seen_in_or_its_own_where_nothing_was_read() -> None:
    seen = replace(whole(("1",), ()), accounts={ADA.id: ADA})
    listed = seen.listed(ADA.id)
    assert listed is not None
    assert listed.groups == frozenset({ENGINEERS.id})
    assert seen.listed(AccountId("9")) is None
    unread = replace(seen, masks=None)
    assert unread.with_groups(replace(ADA, groups=None)).groups is None


@given(st.lists(st.frozensets(st.sampled_from("123456789")), max_size=40))
def test_marks_say_exactly_who_is_where(lists: list[frozenset[str]]) -> None:
    looked = tuple(AppGroup(id=GroupId(f"g{n}"), name=AppGroupName(f"group {n}")) for n in range(len(lists)))
    masks: dict[AccountId, int] = {}
    for bit, members in enumerate(lists):
        mark(masks, bit, map(AccountId, members))
    seen = Whole(groups=looked, looked=looked, masks=masks)
    for account in map(AccountId, "123456789"):
        expected = {group.id for group, members in zip(looked, lists, strict=True) if account in members}
        assert seen.groups_of(account) == expected

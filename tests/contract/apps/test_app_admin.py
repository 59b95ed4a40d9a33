"""What every AppAdmin promises, tried on apps of different shapes and on the real Redmine."""

import secrets
from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppAdmin, AppRefusal, AppTrouble, Performed
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Member,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)
from proxy.reasons import Reason
from tests.contract.apps.conftest import AppUnderTest


async def made(admin: AppAdmin, profile: Profile) -> Member:
    performed = await admin.perform(Create(profile=profile))
    assert isinstance(performed, Performed), performed
    assert performed.account is not None
    return performed.account


async def made_group(admin: AppAdmin) -> AppGroup:
    performed = await admin.perform(CreateGroup(name=AppGroupName(f"Group {secrets.token_hex(5)}")))
    assert isinstance(performed, Performed), performed
    assert performed.group is not None
    return performed.group


async def shown(admin: AppAdmin, account: AccountId) -> Member:
    member = await admin.account(account)
    assert isinstance(member, Member), member
    return member


async def test_a_new_account_is_shown_as_it_was_asked_for(app: AppUnderTest) -> None:
    profile = app.someone()
    account = await made(app.admin, profile)
    assert (account.login, account.email, account.name) == (profile.login, profile.email, profile.name)
    assert account.is_active
    assert account.groups == frozenset()
    assert await app.admin.account(account.id) == account


@pytest.mark.parametrize("name", ["Cher", "Anna Maria van Dyke", "Øyvind Ågård", None])
async def test_any_name_makes_an_account_and_is_read_back_as_written(
    profiled: AppUnderTest, name: str | None
) -> None:
    profile = profiled.someone(name)
    account = await made(profiled.admin, profile)
    assert account.name in {name, profile.login}
    if name is not None:
        assert account.name == name


async def test_a_long_name_is_shown_as_the_capabilities_say_it_is_kept(profiled: AppUnderTest) -> None:
    name = f"{'Wolfeschlegelsteinhausen' * 3} {'Bergerdorff' * 6}"
    account = await made(profiled.admin, profiled.someone(name))
    kept = profiled.admin.capabilities.name_limits.kept(name)
    assert account.name == kept
    again = SetProfile(account=account.id, email=account.email, name=name)
    assert await profiled.admin.perform(again) == Performed()
    assert (await shown(profiled.admin, account.id)).name == kept


async def test_a_login_that_is_taken_is_told_and_its_account_left_alone(profiled: AppUnderTest) -> None:
    first = await made(profiled.admin, profiled.someone())
    address = f"other-{first.login}@example.com"
    outcome = await profiled.admin.perform(
        Create(profile=Profile(login=first.login, email=address, name="Other One"))
    )
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.LOGIN_TAKEN
    assert await shown(profiled.admin, first.id) == first
    assert await profiled.admin.search(email=address, login=None) == ()


async def test_every_pattern_for_a_login_makes_one_that_the_app_takes(app: AppUnderTest) -> None:
    assert app.admin.logins
    for pattern in app.admin.logins:
        unique = f"u{secrets.token_hex(5)}"
        email = f"{unique}.x@example.com"
        login = pattern.format(username=unique, email=email, email_local=f"{unique}.x")
        assert (await made(app.admin, Profile(login=login, email=email, name="Anna Ash"))).login == login


async def test_nobody_gets_a_second_account_under_the_same_address(app: AppUnderTest) -> None:
    profile = app.someone()
    account = await made(app.admin, profile)
    again = await app.admin.perform(Create(profile=profile))
    assert isinstance(again, AppRefusal)
    assert again.reason is Reason.LOGIN_TAKEN
    found = await app.admin.search(email=profile.email, login=None)
    assert found == (account,)


async def test_a_search_finds_by_address_in_any_case_and_by_login(app: AppUnderTest) -> None:
    account = await made(app.admin, app.someone())
    assert account.email is not None
    assert await app.admin.search(email=account.email.upper(), login=None) == (account,)
    assert await app.admin.search(email=None, login=account.login) == (account,)
    assert await app.admin.search(email=account.email, login=account.login) == (account,)


async def test_a_search_is_exact(app: AppUnderTest) -> None:
    account = await made(app.admin, app.someone())
    assert account.email is not None
    assert await app.admin.search(email=account.email[1:], login=None) == ()
    assert await app.admin.search(email=None, login=account.login[:-1]) == ()
    assert await app.admin.search(email=None, login=None) == ()
    assert await app.admin.search(email="nobody@nowhere.example", login="nobody") == ()


async def test_a_search_finds_archived_accounts_and_says_so(archiving: AppUnderTest) -> None:
    account = await made(archiving.admin, archiving.someone())
    assert await archiving.admin.perform(Archive(account=account.id)) == Performed()
    for email, login in ((account.email, None), (None, account.login), (account.email, account.login)):
        found = await archiving.admin.search(email=email, login=login)
        assert isinstance(found, tuple)
        assert [(one.id, one.is_active) for one in found] == [(account.id, False)]


async def test_a_search_reads_every_page(app: AppUnderTest) -> None:
    accounts = [await made(app.admin, app.someone()) for _ in range(7)]
    for account in accounts:
        assert await app.admin.search(email=account.email, login=None) == (account,)


async def test_archiving_and_restoring_keep_the_account_and_may_be_repeated(archiving: AppUnderTest) -> None:
    account = await made(archiving.admin, archiving.someone())
    for _ in range(2):
        assert await archiving.admin.perform(Archive(account=account.id)) == Performed()
        assert not (await shown(archiving.admin, account.id)).is_active
    for _ in range(2):
        assert await archiving.admin.perform(Restore(account=account.id)) == Performed()
    assert await shown(archiving.admin, account.id) == account


async def test_an_app_that_can_only_delete_is_never_asked_to_archive_and_says_so(
    app_without_archive: AppUnderTest,
) -> None:
    app = app_without_archive
    account = await made(app.admin, app.someone())
    assert not app.admin.capabilities.can_archive
    for operation in (Archive(account=account.id), Restore(account=account.id)):
        outcome = await app.admin.perform(operation)
        assert isinstance(outcome, AppRefusal)
    archived = await app.admin.perform(Archive(account=account.id))
    assert isinstance(archived, AppRefusal)
    assert archived.reason is Reason.NO_ARCHIVE
    assert await shown(app.admin, account.id) == account


async def test_joining_and_leaving_may_be_repeated(app: AppUnderTest) -> None:
    account, group = await made(app.admin, app.someone()), await made_group(app.admin)
    for _ in range(2):
        assert (
            await app.admin.perform(Join(account=account.id, group=group, login=account.login)) == Performed()
        )
        assert (await shown(app.admin, account.id)).groups == frozenset({group.id})
        assert await app.admin.members(group.id) == (account.id,)
    for _ in range(2):
        assert (
            await app.admin.perform(Leave(account=account.id, group=group, login=account.login))
            == Performed()
        )
        assert (await shown(app.admin, account.id)).groups == frozenset()
    assert await app.admin.members(group.id) == ()


async def test_an_archived_account_can_be_taken_out_of_a_group(archiving: AppUnderTest) -> None:
    account, group = await made(archiving.admin, archiving.someone()), await made_group(archiving.admin)
    await archiving.admin.perform(Join(account=account.id, group=group, login=account.login))
    await archiving.admin.perform(Archive(account=account.id))
    assert (
        await archiving.admin.perform(Leave(account=account.id, group=group, login=account.login))
        == Performed()
    )
    assert (await shown(archiving.admin, account.id)).groups == frozenset()


async def test_every_group_is_listed_and_a_group_is_made_once(app: AppUnderTest) -> None:
    made_groups = {await made_group(app.admin) for _ in range(5)}
    listed = await app.admin.groups()
    assert isinstance(listed, tuple)
    assert made_groups <= set(listed)
    assert len(listed) == len({group.id for group in listed})


async def test_every_member_of_a_group_is_listed_archived_ones_too(app: AppUnderTest) -> None:
    group = await made_group(app.admin)
    accounts = [await made(app.admin, app.someone()) for _ in range(5)]
    for account in accounts:
        await app.admin.perform(Join(account=account.id, group=group, login=account.login))
    if app.admin.capabilities.can_archive:
        await app.admin.perform(Archive(account=accounts[0].id))
    members = await app.admin.members(group.id)
    assert isinstance(members, tuple)
    assert sorted(members) == sorted(account.id for account in accounts)


async def test_a_name_and_an_address_can_be_changed_one_without_the_other(profiled: AppUnderTest) -> None:
    account = await made(profiled.admin, profiled.someone())
    assert (
        await profiled.admin.perform(SetProfile(account=account.id, email=None, name="New Name"))
        == Performed()
    )
    assert (await shown(profiled.admin, account.id)).name == "New Name"
    assert (await shown(profiled.admin, account.id)).email == account.email
    fresh = f"new-{account.email}"
    assert await profiled.admin.perform(SetProfile(account=account.id, email=fresh, name=None)) == Performed()
    assert (await shown(profiled.admin, account.id)).name == "New Name"
    assert (await shown(profiled.admin, account.id)).email == fresh


async def test_a_role_is_given_and_taken_back(ranking: AppUnderTest) -> None:
    account = await made(ranking.admin, ranking.someone())
    plain, higher = ranking.roles
    assert account.role == plain
    for role in (higher, plain):
        assert await ranking.admin.perform(SetRole(account=account.id, role=RoleName(role))) == Performed()
        assert (await shown(ranking.admin, account.id)).role == role


async def test_an_account_that_is_not_there_is_none_and_gone(app: AppUnderTest) -> None:
    nobody = AccountId("9999999")
    group = await made_group(app.admin)
    assert await app.admin.account(nobody) is None
    can = app.admin.capabilities
    for operation in (
        *((Archive(account=nobody), Restore(account=nobody)) if can.can_archive else ()),
        *((SetProfile(account=nobody, email="x@example.com", name=None),) if can.can_set_profile else ()),
        *((SetRole(account=nobody, role=RoleName(app.roles[1])),) if can.can_set_role else ()),
    ):
        outcome = await app.admin.perform(operation)
        assert isinstance(outcome, AppRefusal), outcome
        assert outcome.reason is Reason.ACCOUNT_GONE
    outcome = await app.admin.perform(Join(account=nobody, group=group, login="nobody-at-all"))
    assert isinstance(outcome, AppRefusal), outcome
    assert outcome.reason in {Reason.ACCOUNT_GONE, Reason.APP_REFUSED}


async def test_joining_a_group_that_is_not_there_is_no_success_and_nobody_counts_as_gone(
    app: AppUnderTest,
) -> None:
    """Where a whole list is read first, its 404 is trouble: a list that is not there says nothing about anybody."""
    account = await made(app.admin, app.someone())
    nowhere = AppGroup(id=GroupId("9999999"), name=AppGroupName("Nowhere"))
    outcome = await app.admin.perform(Join(account=account.id, group=nowhere, login=account.login))
    assert isinstance(outcome, AppRefusal | AppTrouble)
    assert isinstance(outcome, AppTrouble) or outcome.reason is Reason.APP_REFUSED


@pytest.mark.parametrize("account", ["../1", "1/../2", "..", ".", "1?x=1", "1#", "%2e%2e", "1 2", "ü", "\n"])
async def test_an_id_never_reaches_another_resource(app: AppUnderTest, account: str) -> None:
    found = await app.admin.account(AccountId(account))
    assert not isinstance(found, Member)


async def test_the_account_behind_the_credential_is_known(app: AppUnderTest) -> None:
    member = await app.admin.whoami()
    assert isinstance(member, Member)
    assert member.login == app.admin_login


async def test_a_wrong_credential_proves_nothing_and_makes_nobody_gone(app: AppUnderTest) -> None:
    account = await made(app.admin, app.someone())
    group = await made_group(app.admin)
    outcomes = [
        await app.unproved.account(account.id),
        await app.unproved.account(AccountId("9999999")),
        await app.unproved.search(email=account.email, login=None),
        await app.unproved.groups(),
        await app.unproved.members(group.id),
        await app.unproved.whoami(),
        await app.unproved.perform(Create(profile=app.someone())),
        *(
            [await app.unproved.perform(Archive(account=account.id))]
            if app.admin.capabilities.can_archive
            else []
        ),
        await app.unproved.perform(Join(account=account.id, group=group, login=account.login)),
    ]
    for outcome in outcomes:
        assert isinstance(outcome, AppRefusal), outcome
        assert outcome.reason is Reason.APP_UNPROVED
        assert "wrong" not in outcome.detail
    assert await shown(app.admin, account.id) == account


async def test_a_list_of_accounts_shows_everybody_active_once_as_their_account_does(
    archiving: AppUnderTest,
) -> None:
    """Seats are counted by it, and the sweep compares everybody with it."""
    admin = archiving.admin
    if not admin.capabilities.can_list_accounts:
        assert isinstance(await admin.list_accounts(), AppRefusal)
        return
    here, gone = await made(admin, archiving.someone()), await made(admin, archiving.someone())
    assert await admin.perform(Archive(account=gone.id)) == Performed()
    listed = await admin.list_accounts()
    assert isinstance(listed, tuple)
    (found,) = [one for one in listed if one.id == here.id]
    shown_alike = replace(here, groups=found.groups)
    assert found == shown_alike
    assert not any(one.is_active for one in listed if one.id == gone.id)

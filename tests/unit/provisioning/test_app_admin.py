"""The port to the app, and that the fake app keeps what it promises."""

import pytest

from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppAdmin, AppRefusal, Capabilities, Performed
from proxy.provisioning.model import AccountId, Archive, Create, Join, Operation, Profile, Restore
from proxy.reasons import Reason
from tests.fakes.app_admin import FakeApp


def test_an_app_can_only_what_its_preset_says() -> None:
    able = Capabilities()
    assert (able.can_set_role, able.can_set_profile, able.can_create_group, able.can_read_self) == (
        False,
    ) * 4
    assert able.can_create
    assert able.can_archive


async def test_the_fake_is_an_app() -> None:
    app: AppAdmin = FakeApp()
    assert await app.account(AccountId("1")) is None
    assert await app.search(email="ada@example.com", login="ada") == ()
    assert await app.groups() == ()
    assert await app.whoami() is None


async def test_repeating_an_operation_is_harmless() -> None:
    app = FakeApp()
    ada = app.add("ada")
    operations: list[Operation] = [
        Archive(account=ada.id),
        Restore(account=ada.id),
        Join(account=ada.id, group=app.group("team")),
    ]
    for operation in operations:
        first = await app.perform(operation)
        before = (dict(app.accounts), {one: set(members) for one, members in app.memberships.items()})
        assert await app.perform(operation) == first
        assert (app.accounts, app.memberships) == before


@pytest.mark.parametrize(("login", "email"), [("ada", "new@example.com"), ("new", "ada@example.com")])
async def test_a_login_or_address_exists_once(login: str, email: str) -> None:
    app = FakeApp()
    app.add("ada")
    found = await app.perform(Create(profile=Profile(login=login, email=email, name=None)))
    assert isinstance(found, AppRefusal)
    assert found.reason is Reason.LOGIN_TAKEN


async def test_what_is_not_there_is_gone() -> None:
    app = FakeApp()
    found = await app.perform(Archive(account=AccountId("9")))
    assert isinstance(found, AppRefusal)
    assert found.reason is Reason.ACCOUNT_GONE


async def test_a_new_group_is_answered() -> None:
    app = FakeApp()
    group = app.add_group("team")
    assert Performed(group=group).group == group
    assert group.name == AppGroupName("team")

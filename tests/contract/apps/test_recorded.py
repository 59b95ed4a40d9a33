"""Presets for apps that were not run here, against replies from their documentation (`tests/recorded`)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset, preset_names
from proxy.apps.rest import RestAppAdmin
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppRefusal, Performed
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
from tests.fakes.recorded_app import NAMES, RecordedApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One app with its preset, and what its replies should be understood as."""

    app: RecordedApp
    preset: Preset
    admin: RestAppAdmin
    expect: dict[str, Any]

    @property
    def person(self) -> AccountId:
        return AccountId(self.expect["person"]["id"])

    def group(self, which: str) -> AppGroup:
        own = GroupId(self.expect[which])
        return AppGroup(id=own, name=AppGroupName(self.expect["groups"][own]))


@pytest.fixture(params=NAMES)
async def recorded(request: pytest.FixtureRequest, http: aiohttp.ClientSession) -> AsyncIterator[Recorded]:
    async with RecordedApp(request.param) as app:
        told = app.recorded
        preset = load_preset(told["preset"], Path())
        credentials = {name: (lambda value=value: value) for name, value in told["credentials"].items()}
        variables = told.get("variables", {})
        admin = RestAppAdmin(preset, app.url, credentials, http, variables=variables)
        yield Recorded(app=app, preset=preset, admin=admin, expect=told["expect"])
        assert app.unrecorded == []


def test_every_preset_that_was_not_verified_has_recorded_replies() -> None:
    unverified = {name for name in preset_names() if load_preset(name, Path()).status == "unverified"}
    assert unverified == set(NAMES)


def test_every_reply_names_the_page_and_the_version_that_it_is_from(recorded: Recorded) -> None:
    told = recorded.app.recorded
    assert told["version"] == recorded.preset.version
    assert {reply["source"] for reply in told["replies"]} == set(told["sources"])


async def test_an_account_is_read(recorded: Recorded) -> None:
    person = recorded.expect["person"]
    groups = None if person["groups"] is None else frozenset(GroupId(one) for one in person["groups"])
    assert await recorded.admin.account(recorded.person) == Member(
        **{**person, "groups": groups, "is_active": True}
    )


async def test_an_archived_account_is_seen_to_be_one(recorded: Recorded) -> None:
    member = await recorded.admin.account(AccountId(recorded.expect["archived"]))
    assert isinstance(member, Member)
    assert not member.is_active


async def test_an_account_that_is_not_there_is_none_and_cannot_be_archived(recorded: Recorded) -> None:
    nobody = AccountId(recorded.expect["gone"])
    assert await recorded.admin.account(nobody) is None
    outcome = await recorded.admin.perform(Archive(account=nobody))
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.ACCOUNT_GONE


async def test_a_search_finds_by_address_and_by_login_and_nobody_else(recorded: Recorded) -> None:
    person = recorded.expect["person"]
    for email, login in (
        (person["email"], None),
        (None, person["login"]),
        (person["email"], person["login"]),
    ):
        found = await recorded.admin.search(email=email, login=login)
        assert isinstance(found, tuple), found
        assert [member.id for member in found] == [person["id"]]


async def test_a_newcomer_gets_an_account(recorded: Recorded) -> None:
    told = dict(recorded.expect["newcomer"])
    own = told.pop("id")
    assert recorded.admin.accepts_login(told["login"])
    performed = await recorded.admin.perform(Create(profile=Profile(**told)))
    assert isinstance(performed, Performed), performed
    assert performed.account is not None
    assert (performed.account.id, performed.account.login) == (own, told["login"])


async def test_a_login_that_is_taken_is_told(recorded: Recorded) -> None:
    person = recorded.expect["person"]
    profile = Profile(login=person["login"], email=person["email"], name=person["name"])
    outcome = await recorded.admin.perform(Create(profile=profile))
    assert isinstance(outcome, AppRefusal), outcome
    assert outcome.reason is Reason.LOGIN_TAKEN


async def test_an_account_is_archived_and_restored_by_the_request_that_does_just_that(
    recorded: Recorded,
) -> None:
    assert await recorded.admin.perform(Archive(account=recorded.person)) == Performed()
    assert recorded.app.last == recorded.expect["archive"]
    assert await recorded.admin.perform(Restore(account=recorded.person)) == Performed()
    assert recorded.app.last == recorded.expect["restore"]


async def test_a_name_and_an_address_are_changed(recorded: Recorded) -> None:
    changed = SetProfile(account=recorded.person, email="new@example.com", name="New Name")
    outcome = await recorded.admin.perform(changed)
    if recorded.admin.capabilities.can_set_profile:
        assert outcome == Performed()
    else:
        assert isinstance(outcome, AppRefusal)


async def test_a_role_is_given(recorded: Recorded) -> None:
    roles = recorded.app.recorded["roles"]
    assert recorded.admin.capabilities.can_set_role is bool(roles)
    for role in roles[1:]:
        outcome = await recorded.admin.perform(SetRole(account=recorded.person, role=RoleName(role)))
        assert outcome == Performed()


async def test_groups_and_their_members_are_listed(recorded: Recorded) -> None:
    groups = await recorded.admin.groups()
    assert isinstance(groups, tuple), groups
    assert {group.id: group.name for group in groups} == recorded.expect["groups"]
    members = await recorded.admin.members(recorded.group("joined").id)
    if recorded.expect["members"] is None:
        assert isinstance(members, AppRefusal)
    else:
        assert members == tuple(recorded.expect["members"])


async def test_groups_are_joined_and_left_and_what_is_so_already_is_done(recorded: Recorded) -> None:
    own, login = recorded.person, recorded.expect["person"]["login"]
    for kind in (Join, Leave):
        for which in ("joined", "joinable"):
            operation = kind(account=own, group=recorded.group(which), login=login)
            assert await recorded.admin.perform(operation) == Performed(), operation


async def test_a_group_that_is_there_is_found_and_not_made_twice(recorded: Recorded) -> None:
    group = recorded.group("joinable")
    outcome = await recorded.admin.perform(CreateGroup(name=group.name))
    if recorded.admin.capabilities.can_create_group:
        assert outcome == Performed(group=group)
    else:
        assert isinstance(outcome, AppRefusal)


async def test_every_account_is_listed(recorded: Recorded) -> None:
    listed = await recorded.admin.list_accounts()
    assert isinstance(listed, tuple), listed
    assert {member.id: member.is_active for member in listed} == recorded.expect["listed"]


async def test_the_account_behind_the_credential_is_known_where_there_is_one(recorded: Recorded) -> None:
    own = await recorded.admin.whoami()
    assert (own.id if isinstance(own, Member) else own) == recorded.expect["whoami"]


async def test_a_wrong_credential_proves_nothing(recorded: Recorded, http: aiohttp.ClientSession) -> None:
    wrong = {name: lambda: "wrong" for name in recorded.app.recorded["credentials"]}
    admin = RestAppAdmin(recorded.preset, recorded.app.url, wrong, http)
    for outcome in (
        await admin.account(recorded.person),
        await admin.perform(Archive(account=recorded.person)),
    ):
        assert isinstance(outcome, AppRefusal), outcome
        assert outcome.reason is Reason.APP_UNPROVED

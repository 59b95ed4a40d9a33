"""What a whole list should be; that nobody is lost is tried in `tests/contract/apps/test_whole_lists.py`."""

import pytest

from proxy.apps.accounts import Accounts
from proxy.apps.locks import ProcessLocks
from proxy.apps.replacing import Replaces, Replacing, Unchanged, lock_name
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Join, Leave
from proxy.reasons import Reason
from tests.fakes.rest_app import Fault, answering
from tests.unit.apps.test_api import api

TEAM = AppGroup(id=GroupId("t"), name=AppGroupName("Team"))
JOIN, LEAVE = Join(account=AccountId("7"), group=TEAM), Leave(account=AccountId("7"), group=TEAM)
KEYS = {
    "member": {"id": "id", "login": "login", "active": "active", "groups": "groups"},
    "account": {"request": "GET /u/{account}", "gone": [404]},
    "members": {"request": "GET /g/{group}", "items": "@", "id": "@"},
}


async def wanted(replaces: Replaces, operation: Join | Leave, answer: Fault) -> object:
    async with api(answer, **KEYS) as (admin, _):
        return await Replacing(Accounts(admin), ProcessLocks()).wanted(replaces, operation)


def person(groups: object) -> Fault:
    return answering(200, {"id": 7, "login": "anna", "active": True, "groups": groups})


@pytest.mark.parametrize(
    ("operation", "listed", "found"),
    [
        (JOIN, [1, 2], {"each_member": ["1", "2", "7"]}),
        (JOIN, [], {"each_member": ["7"]}),
        (JOIN, [7, 1], Unchanged()),
        (LEAVE, [1, 7, 2], {"each_member": ["1", "2"]}),
        (LEAVE, [7], {"each_member": []}),
        (LEAVE, [1], Unchanged()),
    ],
)
async def test_the_members_with_or_without_one(
    operation: Join | Leave, listed: list[int], found: object
) -> None:
    assert await wanted("each_member", operation, answering(200, listed)) == found


@pytest.mark.parametrize(
    ("operation", "listed", "found"),
    [
        (JOIN, ["b", "a"], {"each_group": ["a", "b", "t"]}),
        (JOIN, ["t"], Unchanged()),
        (LEAVE, ["t", "a"], {"each_group": ["a"]}),
        (LEAVE, [], Unchanged()),
    ],
)
async def test_the_groups_of_an_account_with_or_without_one(
    operation: Join | Leave, listed: list[str], found: object
) -> None:
    assert await wanted("each_group", operation, person(listed)) == found


async def test_what_cannot_be_read_is_not_made_into_a_list() -> None:
    assert isinstance(await wanted("each_member", JOIN, answering(200, None)), AppTrouble)
    assert isinstance(await wanted("each_member", LEAVE, answering(502)), AppTrouble)
    assert isinstance(await wanted("each_group", JOIN, person(None)), AppTrouble)
    gone = await wanted("each_group", JOIN, answering(404))
    assert isinstance(gone, AppRefusal)
    assert gone.reason is Reason.ACCOUNT_GONE


def test_a_lock_is_about_the_list_that_is_written() -> None:
    assert lock_name("each_member", JOIN) == lock_name("each_member", LEAVE) == "group:t"
    assert lock_name("each_group", JOIN) == "account:7"

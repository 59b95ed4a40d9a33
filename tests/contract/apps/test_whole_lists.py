"""Groups that an app takes as whole lists: nobody's change is lost, whoever else is at the same list."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.apps.locks import ProcessLocks
from proxy.apps.preset_file import parse_preset
from proxy.apps.rest import RestAppAdmin
from proxy.errors import SettingsError
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppRefusal, AppTrouble, Performed
from proxy.provisioning.locks import Locks
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Join, Leave
from proxy.reasons import Reason
from tests.fakes.listing_app import BY_ACCOUNT, PRESET, ListingApp
from tests.partners.superset import Superset

GROUP = AppGroup(id=GroupId("a"), name=AppGroupName("a"))
ALL = list(range(1, 21))


@pytest.fixture
async def app() -> AsyncIterator[ListingApp]:
    async with ListingApp() as running:
        yield running


def admin(
    app: ListingApp, http: aiohttp.ClientSession, locks: Locks | None, preset: str = PRESET
) -> RestAppAdmin:
    return RestAppAdmin(parse_preset(preset), app.url, {"token": lambda: "t"}, http, parallel=50, locks=locks)


def join(number: int) -> Join:
    return Join(account=AccountId(str(number)), group=GROUP)


async def joined_by_two(
    app: ListingApp, http: aiohttp.ClientSession, first: Locks | None, second: Locks | None
) -> int:
    """How many of twenty people are in the group after two AppAdmins joined ten each at the same time."""
    one, other = admin(app, http, first), admin(app, http, second)
    outcomes = await asyncio.gather(*((one if number % 2 else other).perform(join(number)) for number in ALL))
    assert outcomes == [Performed()] * len(ALL)
    return len(app.groups["a"])


async def test_everybody_joined_at_the_same_time_is_in(app: ListingApp, http: aiohttp.ClientSession) -> None:
    locks = ProcessLocks()
    assert await joined_by_two(app, http, locks, locks) == len(ALL)
    assert sorted(app.groups["a"]) == ALL


async def test_without_a_lock_in_common_people_are_lost_so_the_tests_here_can_fail(
    app: ListingApp, http: aiohttp.ClientSession
) -> None:
    assert await joined_by_two(app, http, None, None) < len(ALL)


async def test_a_list_that_is_right_already_is_not_written(
    app: ListingApp, http: aiohttp.ClientSession
) -> None:
    one = admin(app, http, None)
    for operation in (join(1), join(1), Leave(account=AccountId("1"), group=GROUP)) * 2:
        assert await one.perform(operation) == Performed()
    assert await one.perform(Leave(account=AccountId("2"), group=GROUP)) == Performed()
    assert app.writes == [[1], [], [1], []]


async def test_a_list_that_cannot_be_read_is_not_written(
    app: ListingApp, http: aiohttp.ClientSession
) -> None:
    one = admin(app, http, None)
    nowhere = AppGroup(id=GroupId("none"), name=AppGroupName("none"))
    assert isinstance(await one.perform(Join(account=AccountId("1"), group=nowhere)), AppTrouble | AppRefusal)
    assert app.writes == []


async def test_somebody_who_is_gone_is_told_and_the_others_stay(
    app: ListingApp, http: aiohttp.ClientSession
) -> None:
    one = admin(app, http, None)
    await one.perform(join(1))
    outcome = await one.perform(join(41))
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.ACCOUNT_GONE
    assert app.groups["a"] == [1]


async def test_an_accounts_own_list_of_groups_is_replaced_the_same_way(
    app: ListingApp, http: aiohttp.ClientSession
) -> None:
    one = admin(app, http, None, BY_ACCOUNT)
    other = AppGroup(id=GroupId("b"), name=AppGroupName("b"))
    both = (join(1), Join(account=AccountId("1"), group=other))
    assert await asyncio.gather(*(one.perform(operation) for operation in both)) == [Performed()] * 2
    assert (await one.members(GROUP.id), await one.members(other.id)) == (("1",), ("40", "1"))
    assert await one.perform(Leave(account=AccountId("1"), group=GROUP)) == Performed()
    assert app.groups == {"a": [], "b": [40, 1]}
    outcome = await one.perform(join(41))
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.ACCOUNT_GONE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('members: {request: "GET /groups/{group}", items: users, id: "@"}\n', ""),
        ('body: {users: ["{each_member:int}"]}', 'body: {users: "{each_member}"}'),
    ],
)
def test_a_whole_list_needs_a_place_and_something_to_be_made_from(old: str, new: str) -> None:
    with pytest.raises(SettingsError, match="each_member"):
        parse_preset(PRESET.replace(old, new))


async def test_two_processes_joining_different_people_lose_nobody(app: ListingApp, tmp_path: Path) -> None:
    preset = tmp_path / "listing.yaml"
    preset.write_text(PRESET)
    halves = ([str(number) for number in ALL[::2]], [str(number) for number in ALL[1::2]])
    await join_from_two_processes(tmp_path, str(preset), app.url, {"token": "t"}, "a", halves)
    assert sorted(app.groups["a"]) == ALL


@pytest.mark.partner
async def test_two_processes_joining_different_people_to_a_group_of_superset_lose_nobody(
    superset: Superset, tmp_path: Path
) -> None:
    group = await superset.make_group("Shared")
    people = [await superset.make_user(f"shared{number}") for number in range(8)]
    key = {"username": superset.username, "password": superset.password}
    await join_from_two_processes(tmp_path, "superset", superset.url, key, group, (people[::2], people[1::2]))
    assert await superset.members(group) == set(people)


async def join_from_two_processes(
    folder: Path, preset: str, url: str, credentials: dict[str, str], group: str, halves: Iterable[list[str]]
) -> None:
    """Both begin at the same moment, on one store; each joins its half one after the other."""
    children = [
        await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "tests.contract.apps.joining_child",
                str(folder / "muster.sqlite"),
                preset,
                url,
            ),
            json.dumps({"credentials": credentials, "group": group, "accounts": half}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for half in halves
    ]
    try:
        async with asyncio.timeout(90):
            for child in children:
                assert child.stdout is not None
                assert await child.stdout.readline() == b"ready\n"
            told = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
                await child.wait()
    outcomes: list[Any] = [json.loads(line) for out, _ in told for line in out.splitlines()]
    assert [detail for _, is_done, detail in outcomes if not is_done] == []

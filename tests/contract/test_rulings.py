"""What operators rule at run time: durable, seen by every process, and each change grows the version by one."""

import asyncio
from collections.abc import Callable

import pytest

from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Origin, Ruled, StoredDenial, StoredLink, Switch
from proxy.identity import GroupName, IdpId
from proxy.provisioning.model import AccountId
from tests.contract.engines import Store
from tests.contract.records import NOW, removed, vouched

ORIGIN = Origin(by="cli", at=NOW)
LATER = Origin(by="cli", at=NOW + 60)
ADA = "ada@example.com"


def link(group: str = "Developers", *names: str, mode: LinkMode = LinkMode.ACTIVE) -> Link:
    return Link(
        app_group=AppGroupName(group),
        idp_groups=frozenset(map(GroupName, names or ("engineers",))),
        mode=mode,
        idps=frozenset({IdpId("corp")}),
    )


async def test_nothing_is_ruled_at_first(store: Store) -> None:
    assert await store.rulings.version() == 0
    assert await store.rulings.carried() == 0
    assert await store.rulings.ruled() == Ruled()


async def test_a_link_comes_back_as_it_was_with_its_origin(store: Store, other: Store) -> None:
    one = link("Développeurs", "a, b", "ops", mode=LinkMode.OBSERVE)
    await store.rulings.put_link(one, ORIGIN)
    ruled = await other.rulings.ruled()
    assert ruled == Ruled(version=1, links=(StoredLink(link=one, origin=ORIGIN),))
    assert await other.rulings.version() == 1


async def test_a_link_replaces_the_one_of_its_app_group_however_it_is_spelled(store: Store) -> None:
    await store.rulings.put_link(link("Café", "a"), ORIGIN)
    await store.rulings.put_link(link("Cafe\u0301", "b"), LATER)
    (held,) = (await store.rulings.ruled()).links
    assert held == StoredLink(link=link("Café", "b"), origin=LATER)
    assert await store.rulings.remove_link(AppGroupName("Cafe\u0301"))
    assert (await store.rulings.ruled()).links == ()


async def test_links_are_ordered_by_app_group(store: Store) -> None:
    for group in ("Zebra", "Alpha"):
        await store.rulings.put_link(link(group), ORIGIN)
    assert [one.link.app_group for one in (await store.rulings.ruled()).links] == ["Alpha", "Zebra"]


async def test_denying_and_undeny_are_done_once(store: Store, other: Store) -> None:
    assert await store.rulings.deny(ADA, ORIGIN)
    assert not await other.rulings.deny(ADA, LATER)
    assert (await other.rulings.ruled()).denials == (StoredDenial(who=ADA, origin=ORIGIN),)
    assert await other.rulings.undeny(ADA)
    assert not await store.rulings.undeny(ADA)
    assert await store.rulings.version() == 2


async def test_a_switch_that_nobody_touched_stands_on(store: Store, other: Store) -> None:
    assert not await store.rulings.switch_provisioning(True, ORIGIN)
    assert await store.rulings.switch_provisioning(False, ORIGIN)
    assert not await other.rulings.switch_provisioning(False, LATER)
    assert (await other.rulings.ruled()).provisioning == Switch(is_on=False, origin=ORIGIN)
    assert await other.rulings.switch_provisioning(True, LATER)
    assert (await store.rulings.ruled()).provisioning == Switch(is_on=True, origin=LATER)
    assert await store.rulings.version() == 2


async def test_every_change_grows_the_version_and_what_changes_nothing_does_not(store: Store) -> None:
    versions = [await store.rulings.version()]
    for change in (
        store.rulings.put_link(link(), ORIGIN),
        store.rulings.deny(ADA, ORIGIN),
        store.rulings.switch_provisioning(False, ORIGIN),
        store.rulings.undeny(ADA),
        store.rulings.remove_link(AppGroupName("Developers")),
    ):
        await change
        versions.append(await store.rulings.version())
    assert versions == [0, 1, 2, 3, 4, 5]
    assert not await store.rulings.remove_link(AppGroupName("Developers"))
    assert not await store.rulings.undeny(ADA)
    await store.rulings.mark_carried(5)
    await store.rulings.keep_statements(AccountId("7"), (vouched(),), ORIGIN)
    assert await store.rulings.version() == 5


async def test_twenty_at_once_are_twenty_versions(store: Store, other: Store) -> None:
    await asyncio.gather(
        *(
            view.rulings.deny(f"{n}@{side}.example", ORIGIN)
            for n in range(10)
            for side, view in (("one", store), ("two", other))
        )
    )
    assert await store.rulings.version() == 20
    assert len((await store.rulings.ruled()).denials) == 20


@pytest.mark.parametrize("marks", [(3, 2), (2, 3)])
async def test_what_was_carried_is_never_taken_back(
    store: Store, other: Store, marks: tuple[int, int]
) -> None:
    await store.rulings.mark_carried(marks[0])
    await other.rulings.mark_carried(marks[1])
    assert await store.rulings.carried() == 3


async def test_statements_are_kept_until_they_are_dropped(store: Store, other: Store) -> None:
    seven, eight = AccountId("7"), AccountId("8")
    said = (vouched(groups={"engineers"}), removed("bob"))
    await store.rulings.keep_statements(seven, (vouched("old"),), ORIGIN)
    await store.rulings.keep_statements(seven, said, LATER)
    assert await other.rulings.kept_statements(seven) == said
    assert await other.rulings.kept_statements(eight) == ()
    await other.rulings.drop_statements(seven)
    await other.rulings.drop_statements(eight)
    assert await store.rulings.kept_statements(seven) == ()


async def test_rulings_outlive_the_process_and_cleaning(
    store: Store, open_store: Callable[..., Store]
) -> None:
    await store.rulings.put_link(link(), ORIGIN)
    await store.rulings.deny(ADA, ORIGIN)
    await store.clean(NOW + 365 * 86_400)
    before = await store.rulings.ruled()
    await store.close()
    again = open_store()
    assert await again.rulings.ruled() == before

"""The last administrator is never taken away, even when the last two leave at once."""

import asyncio
from dataclasses import replace

import pytest

from proxy.provisioning.administrators import ASKED_AGAIN_SECONDS, is_last_of, takes_from_administrator
from proxy.provisioning.app_admin import AppTrouble
from proxy.provisioning.leases import ADMINISTRATORS
from proxy.provisioning.model import AccountId, Archive, Because, EntryState, Plan, Restore, Step
from proxy.reasons import Reason
from proxy.session.model import AccountRefused
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import NOW, Killed, Scene, removed, subject

NOBODY_KNOWN = replace(FULL, can_read_self=False, can_list_accounts=True)
GONE = AccountRefused(reason=Reason.IDP_DENIED)


async def leaving(*names: str) -> Scene:
    """Administrators whom their IdP removed, in an app that lists its accounts and does not say whose our token is."""
    scene = Scene(app=FakeApp(capabilities=NOBODY_KNOWN))
    for name in names:
        scene.app.add(name, is_admin=True)
        await scene.bind(name)
        await scene.note(removed(name))
    return scene


def active(scene: Scene) -> list[str]:
    return [one.login for one in scene.app.accounts.values() if one.is_active]


async def test_of_two_who_are_removed_at_once_one_stays() -> None:
    """Without the lease each would be archived because the other is still there."""
    scene = await leaving("ada", "bob")
    both = [scene.courier().visit_now(subject(name)) for name in ("ada", "bob")]
    assert await asyncio.gather(*both) == [GONE, GONE]
    scene.now += ASKED_AGAIN_SECONDS
    for name in ("ada", "bob"):
        await scene.courier().visit_now(subject(name))
    assert len(active(scene)) == 1
    assert [scene.entry(name).state for name in ("ada", "bob")] == [EntryState.DONE, EntryState.DONE]
    assert Reason.PROTECTED_LEFT_ALONE in scene.reasons("leave_alone")


async def test_whoever_finds_the_lease_taken_waits_and_changes_nothing() -> None:
    scene = await leaving("ada", "bob")
    lease = await scene.store.acquire(ADMINISTRATORS, holder="another", now=NOW, seconds=30)
    assert lease is not None
    assert await scene.courier().visit_now(subject("ada")) == GONE
    assert active(scene) == ["ada", "bob"]
    entry = scene.entry("ada")
    assert (entry.state, entry.next_attempt_at) == (EntryState.OPEN, NOW + ASKED_AGAIN_SECONDS)


async def test_the_lease_is_given_back_whatever_comes_of_it() -> None:
    scene = await leaving("ada", "bob")
    scene.app.fail("list_accounts", AppTrouble(detail="HTTP 503"))
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["ada", "bob"]
    assert await scene.store.acquire(ADMINISTRATORS, holder="another", now=NOW, seconds=30) is not None


async def test_whoever_is_killed_under_the_lease_keeps_others_out_until_it_runs_out() -> None:
    scene = await leaving("ada", "bob")

    def die(name: str) -> None:
        if name == "administrators held":
            raise Killed

    claim = await scene.store.claim(holder="test", now=NOW, seconds=20)
    assert claim is not None
    with pytest.raises(Killed):
        await scene.courier(die).visit(claim)
    scene.now += 100
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["bob"]


@pytest.mark.parametrize("is_admin", [True, False])
async def test_the_account_behind_our_token_stands_in_for_nobody(is_admin: bool) -> None:
    scene = await leaving("ada")
    scene.app.capabilities = replace(FULL, can_list_accounts=True)
    scene.app.own = scene.app.add("robot", is_admin=is_admin).id
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["ada", "robot"]
    assert scene.reasons("leave_alone") == [Reason.PROTECTED_LEFT_ALONE]
    scene.app.add("bob", is_admin=True)
    await scene.note(removed("ada", at=NOW + 1, reason=Reason.DIRECTORY_GONE))
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["robot", "bob"]


async def test_a_protected_account_stands_in_for_nobody() -> None:
    scene = await leaving("ada")
    scene.app.add("emergency", is_admin=True)
    scene.rules = replace(scene.rules, link=replace(scene.rules.link, protected=frozenset({"emergency"})))
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["ada", "emergency"]


async def test_with_a_known_token_and_no_list_every_administrator_may_be_the_last() -> None:
    scene = await leaving("ada", "bob")
    scene.app.capabilities = FULL
    scene.app.own = scene.app.add("robot", is_admin=True).id
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["ada", "bob", "robot"]


async def test_where_the_app_says_nothing_every_administrator_may_be_the_last() -> None:
    scene = await leaving("ada", "bob")
    scene.app.capabilities = replace(FULL, can_read_self=False)
    await scene.courier().visit_now(subject("ada"))
    assert active(scene) == ["ada", "bob"]


async def test_who_is_no_administrator_needs_no_lease() -> None:
    scene = await leaving("ada")
    scene.app.add("carol")
    await scene.bind("carol")
    await scene.note(removed("carol"))
    await scene.store.acquire(ADMINISTRATORS, holder="another", now=NOW, seconds=30)
    await scene.courier().visit_now(subject("carol"))
    assert active(scene) == ["ada"]


def test_archived_administrators_and_the_person_themselves_count_for_nobody() -> None:
    app = FakeApp()
    ada = app.add("ada", is_admin=True)
    gone = app.add("gone", is_admin=True, is_active=False)
    carol = app.add("carol")
    none: frozenset[str] = frozenset()
    assert is_last_of((ada, gone, carol), ada, own=None, protected=none)
    bob = app.add("bob", is_admin=True)
    assert not is_last_of((ada, bob), ada, own=None, protected=none)
    assert not is_last_of((ada, bob), ada, own=carol, protected=none)
    assert is_last_of((ada, bob), ada, own=bob, protected=none)
    assert is_last_of((ada, bob), ada, own=None, protected=frozenset({"bob"}))


def test_only_what_takes_something_from_an_administrator_counts() -> None:
    app = FakeApp()
    because = Because(reason=Reason.PLANNED, about="")
    account = AccountId("1")
    archive = Plan(steps=(Step(operation=Archive(account=account), because=because, takes_away=True),))
    restore = Plan(steps=(Step(operation=Restore(account=account), because=because),))
    admin = app.add("ada", is_admin=True)
    assert takes_from_administrator(archive, admin)
    assert not takes_from_administrator(restore, admin)
    assert not takes_from_administrator(archive, app.add("carol"))

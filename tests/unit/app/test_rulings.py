"""What operators rule reaches a running server: headers, admission, the courier, and whoever is concerned."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from proxy.app.effective import Effective
from proxy.app.rulings import RulingsWatch
from proxy.errors import Unavailable
from proxy.gate.cache import SessionCache
from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled
from proxy.identity import GroupName, Subject
from proxy.provisioning.courier import Courier
from proxy.provisioning.model import EntryState
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.fakes.app_admin import FakeApp
from tests.fakes.configurations import settings_of
from tests.fakes.people import key, session
from tests.fakes.provisioning import NOW, identity, known, link_rules, subject, vouched

ORIGIN = Origin(by="cli", at=NOW)
LINK = Link(app_group=AppGroupName("team"), idp_groups=frozenset({GroupName("a")}))


@dataclass
class Heard:
    rulings: list[tuple[int, int]] = field(default_factory=list)
    out: list[Subject] = field(default_factory=list)

    def ruled(self, ruled: Ruled, opened: int) -> None:
        self.rulings.append((ruled.version, opened))

    def shut_out(self, subject: Subject, ended: int) -> None:
        self.out.append(subject)


class Scene:
    """The real store, a real courier on a fake app; Ada and Bob are members, carried in."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings_of(folder)
        self.store: SqliteStore = open_store(folder / "muster.db", load_keyring(folder / "muster.keys"))
        self.app = FakeApp()
        self.app.add_group("team")
        self.now = NOW
        self.heard = Heard()
        self.cache = SessionCache()
        self.effective = Effective(self.settings)
        self.courier = self.new_courier()
        self.watch = self.new_watch()

    def new_courier(self) -> Courier:
        return Courier(
            outbox=self.store.outbox,
            bindings=self.store.bindings,
            ledger=self.store.ledger,
            counters=self.store.ledger,
            leases=self.store.leases,
            app=self.app,
            rules=CourierRules(link=link_rules(), poll=0.02),
            tell=self.store.sessions.set_account,
            audit=lambda record: None,
            clock=lambda: self.now,
            entropy=bytes,
            holder="here",
        )

    def new_watch(self, *, has_app: bool = True) -> RulingsWatch:
        return RulingsWatch(
            rulings=self.store.rulings,
            sessions=self.store.sessions,
            outbox=self.store.outbox,
            ledger=self.store.ledger,
            effective=self.effective,
            courier=self.courier if has_app else None,
            cache=self.cache,
            told=self.heard,
            clock=lambda: self.now,
        )

    async def carry(self) -> None:
        """Everything that is open is carried out."""
        while claim := await self.store.outbox.claim(holder="here", now=self.now, seconds=20):
            await self.courier.visit(claim)

    async def join(self, *names: str) -> None:
        for number, name in enumerate(names, 1):
            await self.store.outbox.note(vouched(name, known("a")), self.now)
            person = identity(name, known("a"))
            await self.store.sessions.create(
                replace(session(number=number), subject=person.subject, identity=person)
            )
        await self.carry()

    async def states(self) -> set[EntryState]:
        return {one.state for one in await self.store.outbox.entries(None, 100)}

    async def has_session(self, number: int) -> bool:
        return await self.store.sessions.load(key(number)) is not None


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    await scene.courier.stop()
    await scene.store.close()


async def begun(scene: Scene) -> None:
    await scene.watch.begin()
    await scene.watch.look()


async def test_without_a_ruling_nothing_happens_to_anybody(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada", "bob")
    epoch = scene.cache.epoch
    for _ in range(3):
        await scene.watch.look()
    assert await scene.states() == {EntryState.DONE}
    assert scene.cache.epoch == epoch, "headers are kept"
    assert scene.heard.rulings == []


async def test_what_was_ruled_before_the_start_holds_before_anybody_is_let_in(scene: Scene) -> None:
    await scene.store.rulings.put_link(LINK, ORIGIN)
    await scene.store.rulings.switch_provisioning(False, ORIGIN)
    await scene.watch.begin()
    assert scene.effective.groups.links == (LINK,)
    assert scene.courier.rules.groups.links == (LINK,)
    assert not scene.courier.rules.is_provisioning_on


async def test_a_link_reaches_headers_courier_and_members(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada", "bob")
    epoch = scene.cache.epoch
    await scene.store.rulings.put_link(LINK, ORIGIN)
    await scene.watch.look()
    assert scene.cache.epoch > epoch, "what was rendered before is not served again"
    assert scene.heard.rulings == [(1, 2)]
    await scene.carry()
    assert scene.app.groups_of("ada") == scene.app.groups_of("bob") == {"team"}
    await scene.watch.look()
    assert await scene.states() == {EntryState.DONE}, "a ruling is carried once"
    assert await scene.store.rulings.carried() == 1


async def test_a_link_taken_out_leaves_the_group_as_it_is(scene: Scene) -> None:
    await begun(scene)
    await scene.store.rulings.put_link(LINK, ORIGIN)
    await scene.watch.look()
    await scene.join("ada")
    await scene.store.rulings.remove_link(LINK.app_group)
    await scene.watch.look()
    await scene.carry()
    assert scene.app.groups_of("ada") == {"team"}


async def test_a_visit_that_began_by_the_old_rules_is_done_over(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.outbox.note(vouched("ada", known("a", "b"), at=NOW + 1), scene.now)
    claim = await scene.store.outbox.claim(holder="here", now=scene.now, seconds=20)
    assert claim is not None
    real = scene.app.account

    async def ruled_meanwhile(account: object) -> object:
        await scene.store.rulings.put_link(LINK, ORIGIN)
        await scene.watch.look()
        assert not scene.courier.has_adopted
        assert await scene.store.rulings.carried() == 0, "not carried while somebody goes by the old rules"
        scene.app.account = real  # type: ignore[method-assign]  # once
        return await real(account)  # type: ignore[arg-type]  # as it comes

    scene.app.account = ruled_meanwhile  # type: ignore[method-assign, assignment]  # the ruling comes in the middle
    await scene.courier.visit(claim)
    assert scene.courier.has_adopted
    assert await scene.states() == {EntryState.OPEN}
    await scene.watch.look()
    assert await scene.store.rulings.carried() == 1
    await scene.carry()
    assert scene.app.groups_of("ada") == {"team"}


async def test_a_restart_before_everything_was_carried_carries_it_again(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.rulings.put_link(LINK, ORIGIN)
    scene.watch = scene.new_watch()
    await begun(scene)
    assert await scene.states() == {EntryState.OPEN}
    assert await scene.store.rulings.carried() == 1
    await scene.carry()
    scene.watch = scene.new_watch()
    await begun(scene)
    assert await scene.states() == {EntryState.DONE}, "and a restart after it does not"


async def test_a_store_that_goes_away_in_the_middle_loses_no_ruling(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.rulings.put_link(LINK, ORIGIN)
    reopen = scene.store.outbox.reopen

    async def away(entry_id: int | None, state: EntryState, now: float) -> int:
        raise Unavailable("the store is away")

    monkeypatch.setattr(scene.store.outbox, "reopen", away)
    with pytest.raises(Unavailable):
        await scene.watch.look()
    monkeypatch.setattr(scene.store.outbox, "reopen", reopen)
    await scene.watch.look()
    assert await scene.states() == {EntryState.OPEN}


async def test_who_is_denied_loses_sessions_at_once_and_the_account_is_archived_first(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada", "bob")
    await scene.store.rulings.deny("ada@example.com", ORIGIN)
    await scene.watch.look()
    assert not await scene.has_session(1)
    assert await scene.has_session(2)
    assert scene.heard.out == [subject("ada")]
    assert scene.heard.rulings == [(1, 0)], "nobody else is looked at for it"
    await scene.carry()
    assert not scene.app.by_login("ada").is_active
    assert scene.app.by_login("bob").is_active
    bound = await scene.store.bindings.binding_of(subject("ada"))
    assert bound is not None
    assert bound.is_blocked


async def test_who_is_denied_by_subject_and_has_no_session_is_archived(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.sessions.end_subject(subject("ada"), Reason.SIGNED_OUT, NOW)
    await scene.store.rulings.deny(f"{subject('ada').issuer} ada", ORIGIN)
    await scene.watch.look()
    await scene.carry()
    assert not scene.app.by_login("ada").is_active


async def test_who_is_denied_while_parked_is_archived_all_the_same(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.outbox.note(vouched("ada", known("b"), at=NOW + 1), NOW)
    claim = await scene.store.outbox.claim(holder="here", now=scene.now, seconds=20)
    assert claim is not None
    await scene.store.outbox.set_aside(claim, EntryState.PARKED, reason=Reason.APP_REFUSED, detail="no")
    await scene.store.rulings.deny("ada@example.com", ORIGIN)
    await scene.watch.look()
    await scene.carry()
    assert not scene.app.by_login("ada").is_active


async def test_the_guards_latch_of_a_link_that_was_taken_out_ends(scene: Scene) -> None:
    await scene.store.rulings.put_link(LINK, ORIGIN)
    await begun(scene)
    await scene.join("ada")
    await scene.store.outbox.note(vouched("ada", known(), at=NOW + 1), NOW)
    claim = await scene.store.outbox.claim(holder="here", now=scene.now, seconds=20)
    assert claim is not None
    await scene.store.outbox.set_aside(
        claim, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail="link:team"
    )
    await scene.store.ledger.latch("link:team", NOW)
    await scene.watch.look()
    assert await scene.states() == {EntryState.HELD}
    await scene.store.rulings.remove_link(AppGroupName("team"))
    await scene.watch.look()
    assert await scene.store.ledger.latched() == frozenset()
    await scene.carry()
    assert await scene.states() == {EntryState.DONE}
    assert scene.app.groups_of("ada") == {"team"}


async def test_a_latch_that_waits_at_a_start_for_a_link_that_is_gone_ends(scene: Scene) -> None:
    await scene.store.ledger.latch("link:of a configuration before", NOW)
    await begun(scene)
    assert await scene.store.ledger.latched() == frozenset()


async def test_switching_provisioning_off_concerns_nobody_who_is_in_and_on_everybody(scene: Scene) -> None:
    await begun(scene)
    await scene.join("ada")
    await scene.store.rulings.switch_provisioning(False, ORIGIN)
    await scene.watch.look()
    assert not scene.courier.rules.is_provisioning_on
    assert await scene.states() == {EntryState.DONE}
    await scene.store.rulings.switch_provisioning(True, ORIGIN)
    await scene.watch.look()
    assert scene.courier.rules.is_provisioning_on
    assert await scene.states() == {EntryState.OPEN}


async def test_without_an_app_headers_and_admission_follow_and_nothing_is_opened(scene: Scene) -> None:
    await scene.join("ada")
    scene.watch = scene.new_watch(has_app=False)
    await begun(scene)
    await scene.store.rulings.put_link(LINK, ORIGIN)
    await scene.store.rulings.deny("ada@example.com", ORIGIN)
    await scene.watch.look()
    assert scene.effective.groups.links == (LINK,)
    assert not await scene.has_session(1)
    assert await scene.states() == {EntryState.DONE}
    assert await scene.store.rulings.carried() == 2

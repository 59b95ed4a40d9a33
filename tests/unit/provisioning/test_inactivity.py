"""People who were not active for long: who is asked about them, and what every answer means."""

from dataclasses import dataclass, field, replace
from typing import Any

from proxy.identity import IdpId, Subject
from proxy.provisioning.directory import Active, Cause, Directory, Gone, Standing, Suspended, Unknown
from proxy.provisioning.inactivity import SILENT_AFTER, Inactivity
from proxy.provisioning.model import Removed, Statement
from proxy.provisioning.report import Kind, Tally
from proxy.reasons import Reason
from proxy.session.keeper import Keeper, KeeperRules
from proxy.session.model import (
    AskAgain,
    Denied,
    Pending,
    Refreshed,
    RefreshOutcome,
    Session,
    SessionKey,
    Tokens,
    Trouble,
)
from proxy.session.policy import RefreshRules
from tests.fakes.keeping import FakeArrival, FakeWitness
from tests.fakes.provisioning import (
    GOOGLE,
    NOW,
    OKTA,
    Scene,
    binding,
    identity,
    known,
    removed,
    subject,
    vouched,
)
from tests.fakes.session_store import DictSessions

MONTH = 30 * 86_400.0


@dataclass
class Oracle:
    """A directory that says the same of everybody, and remembers who was asked about."""

    standing: Standing
    asked: list[str] = field(default_factory=list)

    async def ask(self, who: Subject, email: str | None, *, directory_id: str | None = None) -> Standing:
        self.asked.append(who.subject)
        return self.standing

    async def groups(self, who: Subject, email: str | None, *, directory_id: str | None = None) -> Any:
        return Unknown(detail="not asked here")


@dataclass
class House:
    """People bound long ago, and what stands around them."""

    outcome: RefreshOutcome = field(default_factory=lambda: Trouble(detail="time-out"))
    scene: Scene = field(default_factory=Scene)
    sessions: DictSessions = field(default_factory=DictSessions)
    removals: list[tuple[str, Reason, str, float]] = field(default_factory=list)

    async def add(self, name: str, idp: IdpId = OKTA, *, active_at: float = NOW - 2 * MONTH) -> None:
        who = subject(name, idp)
        self.scene.store.bound[who] = binding(name, f"account-{name}", idp=idp)
        self.scene.store.active[who] = active_at
        await self.scene.store.note(vouched(name, known("a"), idp=idp, at=active_at), active_at)

    def session(self, name: str, *, expires: float | None = None) -> Session:
        session = Session(
            key=SessionKey(f"{len(self.sessions.sessions):064x}"),
            subject=subject(name),
            idp=OKTA,
            identity=identity(name),
            account=Pending(),
            tokens=Tokens(refresh_token="old", refresh_expires_at=expires),
            created_at=NOW - MONTH,
            last_seen_at=NOW - MONTH,
            refreshed_at=NOW - MONTH,
            due_at=NOW - MONTH,
        )
        self.sessions.sessions[session.key] = session
        return session

    # --- the keeper's arrival ---

    async def renewed(self, session: Session, identity: Any, *, lease: Any, now: float) -> bool:
        return await FakeArrival(self.sessions).renewed(session, identity, lease=lease, now=now)

    async def removed(
        self, who: Subject, idp: IdpId, reason: Reason, *, marker: str, at: float, now: float
    ) -> None:
        self.removals.append((who.subject, reason, marker, at))
        await self.scene.store.note(
            Statement(source=idp, subject=who, says=Removed(reason=reason), at=at), now
        )
        await self.sessions.end_subject(who, reason, now)

    async def refresh(self, session: Session, now: float) -> RefreshOutcome:
        return self.outcome

    def keeper(self) -> Keeper:
        return Keeper(
            self.sessions,
            self.refresh,
            self,
            FakeWitness(),
            KeeperRules(refresh=RefreshRules(), archive_after={OKTA: 0.0}),
            holder="here",
            clock=lambda: self.scene.now,
        )

    async def look(
        self, directories: dict[IdpId, Directory] | None = None, *, is_dry_run: bool = False
    ) -> list[tuple[Kind, str, Reason]]:
        tally = Tally()
        inactivity = Inactivity(
            bindings=self.scene.store,
            outbox=self.scene.store,
            sessions=self.sessions,
            arrival=self,
            directories=directories or {},
            keeper=self.keeper(),
            clock=lambda: self.scene.now,
        )
        await inactivity.look(tally, inactive_after=MONTH, is_dry_run=is_dry_run, progress=lambda *_: None)
        lines = tally.report(is_dry_run=is_dry_run, seconds=0).lines
        return sorted((one.kind, one.login, one.reason) for one in lines)


async def test_only_who_was_not_active_for_long_is_asked_about() -> None:
    house, oracle = House(), Oracle(Active())
    await house.add("ada")
    await house.add("bob", active_at=NOW - MONTH)
    assert await house.look({OKTA: oracle}) == [(Kind.KEPT, "ada", Reason.INACTIVE)]
    assert oracle.asked == ["ada"]


async def test_whom_the_directory_suspended_or_lost_is_removed_and_dated_by_the_question() -> None:
    for standing, reason in (
        (Suspended(marker="locked"), Reason.DIRECTORY_SUSPENDED),
        (Gone(marker="404"), Reason.DIRECTORY_GONE),
    ):
        house = House()
        await house.add("ada")
        assert await house.look({OKTA: Oracle(standing)}) == [(Kind.CHANGE, "ada", reason)]
        assert house.removals == [("ada", reason, standing.marker, NOW)]


async def test_a_dry_run_asks_and_removes_nobody() -> None:
    house = House()
    await house.add("ada")
    found = await house.look({OKTA: Oracle(Gone(marker="404"))}, is_dry_run=True)
    assert found == [(Kind.CHANGE, "ada", Reason.DIRECTORY_GONE)]
    assert house.removals == []


async def test_a_directory_without_an_answer_removes_nobody_and_is_soon_left_alone() -> None:
    house = House()
    trouble = Oracle(Unknown(detail="HTTP 503"))
    for number in range(30):
        await house.add(f"person{number}")
    await house.add("kim", GOOGLE)
    other = Oracle(Active())
    found = await house.look({OKTA: trouble, GOOGLE: other})
    assert [kind for kind, _, _ in found].count(Kind.SKIPPED) == 30
    assert len(trouble.asked) <= SILENT_AFTER + 4
    assert other.asked == ["kim"]
    assert house.removals == []


async def test_an_answer_in_between_is_no_silence() -> None:
    house, oracle = House(), Oracle(Unknown(detail="who?", cause=Cause.NOT_COVERED))
    for number in range(12):
        await house.add(f"person{number}")
    await house.look({OKTA: oracle})
    assert len(oracle.asked) == 12


async def test_without_a_directory_a_stored_token_is_renewed() -> None:
    house = House(outcome=Refreshed(identity=identity("ada", at=NOW), tokens=Tokens(refresh_token="new")))
    await house.add("ada")
    house.session("ada")
    assert await house.look() == [(Kind.KEPT, "ada", Reason.REFRESHED)]


async def test_a_token_refused_with_a_marker_removes() -> None:
    house = House(outcome=Denied(marker="user disabled"))
    await house.add("ada")
    house.session("ada")
    assert await house.look() == [(Kind.CHANGE, "ada", Reason.IDP_DENIED)]
    assert [one[:3] for one in house.removals] == [("ada", Reason.IDP_DENIED, "user disabled")]


async def test_a_token_that_merely_expired_proves_nothing() -> None:
    house = House(outcome=AskAgain(code="invalid_grant", is_plain_invalid_grant=True))
    await house.add("ada")
    house.session("ada")
    assert await house.look() == [(Kind.KEPT, "ada", Reason.ASK_AGAIN)]
    assert house.removals == []
    assert house.sessions.timers == {}


async def test_an_idp_in_trouble_is_skipped() -> None:
    house = House(outcome=Trouble(detail="time-out"))
    await house.add("ada")
    house.session("ada")
    assert await house.look() == [(Kind.SKIPPED, "ada", Reason.IDP_TROUBLE)]


async def test_a_token_that_is_known_to_have_expired_is_not_tried() -> None:
    house = House(outcome=Denied(marker="never asked"))
    await house.add("ada")
    house.session("ada", expires=NOW - 1)
    assert await house.look() == [(Kind.KEPT, "ada", Reason.INACTIVE)]


async def test_a_dry_run_tries_no_token() -> None:
    house = House(outcome=Denied(marker="never asked"))
    await house.add("ada")
    house.session("ada")
    assert await house.look(is_dry_run=True) == [(Kind.KEPT, "ada", Reason.INACTIVE)]
    assert house.removals == []


async def test_whoever_is_gone_already_or_never_spoken_of_is_not_asked_about() -> None:
    house, oracle = House(), Oracle(Active())
    await house.add("ada")
    await house.scene.store.note(removed("ada", at=NOW), NOW)
    house.scene.store.bound[subject("bob")] = replace(binding("bob", "account-bob"))
    assert await house.look({OKTA: oracle}) == []
    assert oracle.asked == []

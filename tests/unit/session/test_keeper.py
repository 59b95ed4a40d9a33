"""One renewal per session, whoever waits; what the IdP answered is written however long the store takes."""

import asyncio
from dataclasses import replace

import pytest

from proxy.errors import Unavailable
from proxy.identity import Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.keeper import Keeper, KeeperRules
from proxy.session.model import (
    AskAgain,
    Denied,
    Pending,
    Refreshed,
    RefreshOutcome,
    Session,
    Tokens,
    Trouble,
)
from proxy.session.store import Lease, Suspicion
from tests.fakes.people import CORP, identity, key, session, subject
from tests.fakes.session_store import DictSessions

RULES = policy.RefreshRules(every=3600, at_least=300, grace=3600, cool_off=30)
PLAIN = AskAgain(code="invalid_grant", is_plain_invalid_grant=True)
DUE = 4650.0


class Idp:
    """Answers with the next prepared outcome; `gate` holds the answer back until it is set."""

    def __init__(self, *outcomes: RefreshOutcome) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Session] = []
        self.is_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, session: Session, now: float) -> RefreshOutcome:
        self.asked.append(session)
        self.is_asked.set()
        await self.gate.wait()
        return self.outcomes.pop(0) if self.outcomes else refreshed(len(self.asked))


class Arrival:
    """Writes renewed sessions into the store and remembers removals."""

    def __init__(self, store: DictSessions) -> None:
        self.store = store
        self.removals: list[tuple[Subject, Reason, float]] = []
        self.stated: list[Identity] = []

    async def renewed(self, session: Session, identity: Identity, *, lease: Lease, now: float) -> bool:
        is_written = await self.store.save(session, lease=lease)
        if is_written:
            self.stated.append(identity)
        return is_written

    async def removed(
        self, subject: Subject, idp: IdpId, reason: Reason, *, marker: str, at: float, now: float
    ) -> None:
        self.removals.append((subject, reason, at))
        await self.store.end_subject(subject, reason, now)


class Witness:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def refreshed(self, session: Session, outcome: RefreshOutcome, aftermath: policy.Aftermath) -> None:
        self.seen.append(f"{type(outcome).__name__}:{type(aftermath).__name__}")

    def suspected(self, suspicion: Suspicion, *, is_storm: bool) -> None:
        self.seen.append(f"suspected storm={is_storm}")

    def cleared(self, subject: Subject) -> None:
        self.seen.append("cleared")


def refreshed(number: int) -> Refreshed:
    return Refreshed(
        identity=identity(stated_at=DUE),
        tokens=Tokens(access_token=f"a{number}", refresh_token=f"rotated-{number}"),
    )


class House:
    """A keeper with fakes around it, and one due session."""

    def __init__(self, *outcomes: RefreshOutcome, archive_after: float | None = 86400.0) -> None:
        self.now = DUE
        self.store = DictSessions()
        self.store.sessions[key()] = session(last_seen_at=4600.0)
        self.idp = Idp(*outcomes)
        self.arrival = Arrival(self.store)
        self.witness = Witness()
        self.rules = KeeperRules(refresh=RULES, archive_after={CORP: archive_after})
        self.keeper = self.another("here")

    def another(self, holder: str) -> Keeper:
        return Keeper(
            self.store,
            self.idp,
            self.arrival,
            self.witness,
            self.rules,
            holder=holder,
            clock=lambda: self.now,
        )


async def test_forty_requests_on_a_due_session_ask_the_idp_once() -> None:
    house = House()
    results = await asyncio.gather(*(house.keeper.renew(key()) for _ in range(40)))
    assert len(house.idp.asked) == 1
    assert {r.tokens.refresh_token for r in results if r} == {"rotated-1"}


async def test_two_processes_ask_once_and_the_loser_reads_the_result() -> None:
    house = House()
    house.idp.gate.clear()
    other = house.another("there")
    both = asyncio.gather(house.keeper.renew(key()), other.renew(key()))
    await house.idp.is_asked.wait()
    house.idp.gate.set()
    first, second = await both
    assert len(house.idp.asked) == 1
    assert first == second


async def test_a_client_that_goes_away_does_not_cancel_the_renewal() -> None:
    house = House()
    house.idp.gate.clear()
    request = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    house.idp.gate.set()
    await house.keeper.drain()
    assert house.store.sessions[key()].tokens.refresh_token == "rotated-1"


async def test_the_token_is_marked_durably_before_it_goes_out() -> None:
    house = House()
    house.idp.gate.clear()
    task = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    assert policy.is_spent(house.store.sessions[key()])
    house.idp.gate.set()
    await task


async def test_the_idp_is_not_asked_when_the_mark_cannot_be_written() -> None:
    house = House()
    house.store.fail_next = ["mark_spent"]
    with pytest.raises(Unavailable):
        await house.keeper.renew(key())
    assert house.idp.asked == []


async def test_what_the_idp_answered_is_written_when_the_store_comes_back() -> None:
    house = House()
    house.idp.gate.clear()
    task = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    house.store.fail_next = ["save", "save"]
    house.idp.gate.set()
    renewed = await task
    assert renewed is not None
    assert renewed.tokens.refresh_token == "rotated-1"
    assert len(house.idp.asked) == 1


async def test_nobody_waits_longer_than_a_while_for_an_answer_that_cannot_be_written_and_it_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.session.keeper.UNWRITTEN", 0.05)
    house = House()
    house.idp.gate.clear()
    waiting = [asyncio.create_task(house.keeper.renew(key())) for _ in range(3)]
    await house.idp.is_asked.wait()
    house.store.fail_next = ["save"] * 3
    house.idp.gate.set()
    for refused in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(refused, Unavailable)
    with pytest.raises(Unavailable):
        await house.keeper.renew(key())
    await house.keeper.drain()
    assert house.store.sessions[key()].tokens.refresh_token == "rotated-1"
    assert len(house.idp.asked) == 1
    renewed = await house.keeper.renew(key())
    assert renewed is not None
    assert len(house.idp.asked) == 1


async def test_an_account_that_became_ready_meanwhile_is_kept_and_the_tokens_too() -> None:
    house = House()
    house.store.sessions[key()] = session(account=Pending(), last_seen_at=4600.0)
    house.idp.gate.clear()
    task = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    ready = session().account
    await house.store.set_account(subject(), ready)
    house.idp.gate.set()
    renewed = await task
    assert renewed is not None
    assert renewed.account == ready
    assert renewed.tokens.refresh_token == "rotated-1"


async def test_a_fresh_session_is_not_asked_about() -> None:
    house = House()
    house.now = 2000.0
    await house.keeper.renew(key())
    assert house.idp.asked == []


async def test_a_forced_renewal_asks_once_though_the_session_is_fresh() -> None:
    house = House()
    house.now = 2000.0
    renewed = await house.keeper.renew(key(), is_forced=True)
    assert renewed is not None
    assert renewed.tokens.refresh_token == "rotated-1"


async def test_denied_removes_the_person_and_every_session() -> None:
    house = House(Denied(marker="User disabled"))
    house.store.sessions[key(2)] = session(number=2)
    assert await house.keeper.renew(key()) is None
    assert house.store.sessions == {}
    assert house.arrival.removals == [(subject(), Reason.IDP_DENIED, DUE)]


async def test_ask_again_ends_this_session_only_and_starts_a_timer() -> None:
    house = House(PLAIN)
    house.store.sessions[key(2)] = session(number=2)
    assert await house.keeper.renew(key()) is None
    assert set(house.store.sessions) == {key(2)}
    assert house.store.timers[subject()].fires_at == DUE + 86400
    assert house.arrival.removals == []


async def test_trouble_leaves_the_session_and_cools_off() -> None:
    house = House(Trouble(detail="time-out"))
    ridden = await house.keeper.renew(key())
    assert ridden is not None
    assert ridden.next_attempt_at == DUE + 30
    again = await house.keeper.renew(key())
    assert again == ridden
    assert len(house.idp.asked) == 1


async def test_a_successor_of_a_killed_process_never_starts_a_timer() -> None:
    house = House(PLAIN)
    house.store.sessions[key()] = policy.marked(session(last_seen_at=4600.0), 4640)
    waiting = await house.keeper.renew(key())
    assert waiting is not None
    assert waiting.tokens.refresh_token is None
    assert house.store.timers == {}
    assert await house.keeper.renew(key()) == waiting


async def test_a_successor_of_a_process_killed_before_the_idp_saw_it_just_renews() -> None:
    house = House()
    house.store.sessions[key()] = policy.marked(session(last_seen_at=4600.0), 4640)
    renewed = await house.keeper.renew(key())
    assert renewed is not None
    assert renewed.tokens.refresh_token == "rotated-1"


async def test_a_storm_freezes_the_timers_of_that_idp() -> None:
    house = House(*[PLAIN] * 6)
    for number in range(1, 7):
        name = f"p{number}"
        house.store.sessions[key(number)] = session(name, number, last_seen_at=4600.0)
    for number in range(1, 7):
        await house.keeper.renew(key(number))
    assert house.witness.seen.count("suspected storm=False") == 5
    assert house.witness.seen[-1] == "suspected storm=True"
    assert house.store.frozen[CORP] > DUE


async def test_a_refreshed_session_cancels_the_timer() -> None:
    house = House()
    house.store.timers[subject()] = Suspicion(subject=subject(), idp=CORP, started_at=1.0, fires_at=9e9)
    await house.keeper.renew(key())
    assert house.store.timers == {}
    assert "cleared" in house.witness.seen


async def test_a_session_ended_meanwhile_stays_ended() -> None:
    house = House()
    house.idp.gate.clear()
    task = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    await house.store.end([key()], Reason.SIGNED_OUT, DUE)
    house.idp.gate.set()
    assert await task is None
    assert house.store.sessions == {}


async def test_a_lease_lost_while_the_idp_answered_slowly_is_taken_again() -> None:
    house = House()
    house.idp.gate.clear()
    task = asyncio.create_task(house.keeper.renew(key()))
    await house.idp.is_asked.wait()
    house.store.leases.clear()
    house.idp.gate.set()
    renewed = await task
    assert renewed is not None
    assert renewed.tokens.refresh_token == "rotated-1"


async def test_a_denial_counts_as_later_than_what_the_idp_vouched_for_before() -> None:
    house = House(Denied(marker="User disabled"))
    ahead = replace(session(), identity=identity(stated_at=DUE + 40), refreshed_at=DUE)
    house.store.sessions[key()] = ahead
    await house.keeper.renew(key())
    assert house.arrival.removals[0][2] == DUE + 40

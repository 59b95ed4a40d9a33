"""Keeps sessions honest: one renewal per session however many requests, workers and replicas wait (semantics §5.1, Decision 4).

Take the lease; load again; if still due, mark, ask the IdP; `policy.after_refresh` says what is left; then the arrival
writes it. The renewal is a task of its own: a client that goes away cancels its request, never the renewal. Once the IdP
answered, the answer is written however long the store takes; shutdown waits for that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, assert_never

from proxy.errors import Unavailable
from proxy.identity import Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import Condition, RefreshOutcome, Session, SessionKey
from proxy.session.store import Lease, SessionStore, Suspicion

LEASE_SECONDS = 15.0
LEASE_RENEWED_EVERY = 4.0
WAIT_FOR_OTHERS = 20.0
POLL = 0.05
FIRST_RETRY = 0.1
LONGEST_RETRY = 5.0
SETTLE_TRIES = 10
UNWRITTEN = 5.0
"""Seconds after which nobody waits any more for an answer of the IdP that the store does not take."""


Write: TypeAlias = Callable[[Session, Lease], Awaitable[bool]]


class AskIdp(Protocol):
    """One refresh at the IdP that issued the session's tokens; every answer is a value."""

    async def __call__(self, session: Session, now: float) -> RefreshOutcome: ...


class Arrival(Protocol):
    """What happens to what the IdP said; implemented by `gate/arrival.py`."""

    async def renewed(self, session: Session, identity: Identity, *, lease: Lease, now: float) -> bool:
        """Write statement and session together; False when the lease was lost."""

    async def removed(
        self, subject: Subject, idp: IdpId, reason: Reason, *, marker: str, at: float, now: float
    ) -> None:
        """State durably that the person was removed, and end all their sessions."""


class Witness(Protocol):
    """Who hears of renewals: logs, metrics, audit."""

    def refreshed(self, session: Session, outcome: RefreshOutcome, aftermath: policy.Aftermath) -> None: ...

    def suspected(self, suspicion: Suspicion, *, is_storm: bool) -> None: ...

    def cleared(self, subject: Subject) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperRules:
    """Limits, and per IdP after how many seconds a plain `invalid_grant` archives (None: never)."""

    refresh: policy.RefreshRules
    archive_after: Mapping[IdpId, float | None]


class Keeper:
    """Renews sessions. `holder` names this process in leases; `clock` is the wall clock in seconds."""

    def __init__(
        self,
        store: SessionStore,
        ask: AskIdp,
        arrival: Arrival,
        witness: Witness,
        rules: KeeperRules,
        *,
        holder: str,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._ask = ask
        self._arrival = arrival
        self._witness = witness
        self._rules = rules
        self._holder = holder
        self._clock = clock
        self._under_way: dict[SessionKey, asyncio.Task[Session | None]] = {}
        self._answers: dict[SessionKey, asyncio.Future[Session | None]] = {}

    async def renew(self, key: SessionKey, *, is_forced: bool = False) -> Session | None:
        """The session after one renewal by whoever got the lease, or None when it ended. Raises Unavailable.

        Still due when nobody could say within `WAIT_FOR_OTHERS`: the IdP is slow, or the lease's holder died just now. A store
        that does not take the answer is waited for `UNWRITTEN` seconds; the renewal itself goes on.
        """
        answer = self._answers.get(key) or self._begin(key, is_forced)
        done, _ = await asyncio.wait([answer], timeout=WAIT_FOR_OTHERS)
        return answer.result() if done else await self._store.load(key)

    def is_renewing(self, key: SessionKey) -> bool:
        """True while this process renews that session."""
        return key in self._under_way

    async def drain(self) -> None:
        """Wait for every renewal under way; called at shutdown, before the store closes."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    def _begin(self, key: SessionKey, is_forced: bool) -> "asyncio.Future[Session | None]":
        task = asyncio.create_task(self._renew(key, is_forced), name=f"renew {key[:8]}")
        answer: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
        self._under_way[key], self._answers[key] = task, answer
        task.add_done_callback(lambda done: self._forget(key, done))
        return answer

    def _forget(self, key: SessionKey, done: asyncio.Task[Session | None]) -> None:
        self._under_way.pop(key, None)
        answer = self._answers.pop(key)
        if done.cancelled():
            answer.cancel()
        elif (error := done.exception()) is not None:
            _fail(answer, error)
        elif not answer.done():
            answer.set_result(done.result())

    async def _renew(self, key: SessionKey, is_forced: bool) -> Session | None:
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_OTHERS
        seen_version: int | None = None
        while True:
            session = await self._store.load(key)
            if session is None or not self._needs(session, is_forced, seen_version):
                return session
            seen_version = seen_version or session.version
            lease = await self._store.acquire(
                key, holder=self._holder, now=self._clock(), seconds=LEASE_SECONDS
            )
            if lease is not None:
                return await self._under_lease(lease, is_forced, seen_version)
            if asyncio.get_running_loop().time() > deadline:
                return session
            await asyncio.sleep(POLL)

    def _needs(self, session: Session, is_forced: bool, seen_version: int | None) -> bool:
        if session.tokens.refresh_token is None:
            return False
        if is_forced:
            return seen_version is None or session.version == seen_version
        now, rules = self._clock(), self._rules.refresh
        state = policy.condition(session, now, rules)
        is_early = state is Condition.FRESH and now >= policy.early_at(session, rules)
        return state is Condition.DUE or is_early

    async def _under_lease(self, lease: Lease, is_forced: bool, seen_version: int) -> Session | None:
        keeping = asyncio.create_task(self._keep(lease))
        try:
            session = await self._store.load(lease.key)
            if session is None or not self._needs(session, is_forced, seen_version if is_forced else None):
                return session
            return await self._spend(session, lease)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._release(lease)

    async def _spend(self, session: Session, lease: Lease) -> Session | None:
        was_spent, now = policy.is_spent(session), self._clock()
        attempt = policy.marked(session, now)
        if not await self._store.mark_spent(attempt, lease=lease):
            return await self._store.load(lease.key)
        outcome = await self._ask(attempt, now)
        aftermath = policy.after_refresh(
            attempt,
            outcome,
            now=self._clock(),
            rules=self._rules.refresh,
            archive_after=self._rules.archive_after.get(session.idp),
            was_spent=was_spent,
        )
        self._witness.refreshed(session, outcome, aftermath)
        return await self._until_written(aftermath, attempt, lease, asked_at=now)

    async def _until_written(
        self, aftermath: policy.Aftermath, attempt: Session, lease: Lease, *, asked_at: float
    ) -> Session | None:
        # The IdP answered: tokens and verdict exist only here until the store has them (semantics §5.7).
        wait, clock = FIRST_RETRY, asyncio.get_running_loop().time
        patient_until = clock() + UNWRITTEN
        while True:
            try:
                return await self._write(aftermath, attempt, lease, asked_at)
            except Unavailable as away:
                if clock() >= patient_until:
                    _fail(self._answers[lease.key], away)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY)

    async def _write(
        self, aftermath: policy.Aftermath, attempt: Session, lease: Lease, asked_at: float
    ) -> Session | None:
        now = self._clock()
        match aftermath:
            case policy.Goes(session=session, identity=identity):
                if await self._settle(session, attempt, lease, self._renewed(identity, now)):
                    await self._clear(session.subject)
                return await self._store.load(lease.key)
            case policy.Rides(session=session):
                await self._settle(session, attempt, lease, self._saved)
                return await self._store.load(lease.key)
            case policy.Ends(reason=reason, suspicion=suspicion):
                if suspicion is not None:
                    await self._suspect(suspicion, now)
                await self._store.end([lease.key], reason, now)
                return None
            case policy.EndsPerson(reason=reason, marker=marker):
                at = policy.idp_time(attempt, asked_at)
                await self._arrival.removed(
                    attempt.subject, attempt.idp, reason, marker=marker, at=at, now=now
                )
                return None
            case _:
                assert_never(aftermath)

    async def _saved(self, session: Session, lease: Lease) -> bool:
        return await self._store.save(session, lease=lease)

    def _renewed(self, identity: Identity, now: float) -> Write:
        async def write(session: Session, lease: Lease) -> bool:
            return await self._arrival.renewed(session, identity, lease=lease, now=now)

        return write

    async def _settle(self, result: Session, attempt: Session, lease: Lease, write: Write) -> bool:
        """Write the result, rebased where only the account state changed meanwhile; False when it is no longer ours.

        While our mark stands, nobody else holds an answer about this token: a lease that ran out is taken again.
        """
        for _ in range(SETTLE_TRIES):
            if await write(result, lease):
                return True
            current = await self._store.load(lease.key)
            if current is None or current.spent != attempt.spent:
                return False
            result = replace(result, account=current.account, version=current.version + 1)
            again = await self._store.acquire(
                lease.key, holder=self._holder, now=self._clock(), seconds=LEASE_SECONDS
            )
            lease = again or lease
        raise Unavailable("the session changes too often to be written")

    async def _clear(self, subject: Subject) -> None:
        if await self._store.clear_suspicion(subject):
            self._witness.cleared(subject)

    async def _suspect(self, suspicion: Suspicion, now: float) -> None:
        if not await self._store.suspect(suspicion):
            return
        started = await self._store.suspicions_since(suspicion.idp, now - policy.STORM_WINDOW)
        is_storm = policy.is_storm(started, await self._store.count(suspicion.idp))
        if is_storm:
            await self._store.freeze(suspicion.idp, now + policy.STORM_FREEZE)
        self._witness.suspected(suspicion, is_storm=is_storm)

    async def _keep(self, lease: Lease) -> None:
        held: Lease | None = lease
        while held is not None:
            await asyncio.sleep(LEASE_RENEWED_EVERY)
            try:
                held = await self._store.renew(held, now=self._clock(), seconds=LEASE_SECONDS)
            except Unavailable:
                continue

    async def _release(self, lease: Lease) -> None:
        try:
            await self._store.release(lease)
        except Unavailable:
            return  # it runs out by itself


def _fail(answer: "asyncio.Future[Session | None]", error: BaseException) -> None:
    """Whoever waits hears of it; with nobody waiting it must not warn at collection."""
    if not answer.done():
        answer.set_exception(error)
        answer.exception()

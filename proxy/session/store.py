"""The session store's port: what the session room asks of an engine. Every engine passes `tests/contract`.

All times are seconds since the epoch. Every method raises `Unavailable` when the engine does not answer in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from proxy.identity import IdpId, Subject
from proxy.reasons import Reason
from proxy.session.model import AccountState, Session, SessionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to refresh one session until `until`. `fence` grows with each grant; a write under an old one is refused."""

    key: SessionKey
    holder: str
    fence: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something about a session happened: a cache drops what it holds. `has_ended` also closes tunnels and streams."""

    key: SessionKey
    has_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A running `ask_again_archives` timer about one person; fires at `fires_at` unless cancelled (semantics §5.3)."""

    subject: Subject
    idp: IdpId
    started_at: float
    fires_at: float


class SessionStore(Protocol):
    """Durable sessions, leases and timers."""

    async def load(self, key: SessionKey) -> Session | None: ...

    async def create(self, session: Session, *, replaces: SessionKey | None = None) -> None:
        """Insert; end `replaces` in the same transaction (a new id at every sign-in). Repeating it is harmless."""

    async def save(self, session: Session, *, lease: Lease) -> bool:
        """Write the next version under the lease. False when the lease was lost, the session ended or was changed meanwhile.

        Repeating a save whose answer was lost is harmless: the same record again is True."""

    async def end(self, keys: Iterable[SessionKey], reason: Reason, now: float) -> None:
        """Remove these sessions and tell every cache. Unknown keys are no error."""

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> tuple[SessionKey, ...]:
        """Remove all of a person's sessions, in one transaction; returns what was ended."""

    async def end_idp_session(
        self, idp: IdpId, sid: str, subject: Subject | None, reason: Reason, now: float
    ) -> tuple[SessionKey, ...]:
        """Remove the sessions that this IdP's session led to, in one transaction, and tell every cache; returns what was ended.

        `sid` as the IdP names it. With a subject, only that person's (Back-Channel Logout 1.0 §2.7)."""

    async def of_subject(self, subject: Subject) -> tuple[Session, ...]: ...

    async def count(self, idp: IdpId) -> int: ...

    async def set_account(self, subject: Subject, account: AccountState) -> None:
        """Write the account state into all the person's sessions that have another (version grows), and tell every cache."""

    async def touch(self, seen: dict[SessionKey, float]) -> None:
        """Raise `last_seen_at`, never lower it, and when the person behind was last active (`Bindings.idle`).

        Not a change that caches hear of; `version` stays."""

    async def mark_spent(self, session: Session, *, lease: Lease) -> bool:
        """Durably write `session.spent` (version grows) before the token goes out. False when the lease was lost."""

    async def acquire(self, key: SessionKey, *, holder: str, now: float, seconds: float) -> Lease | None:
        """The lease, or None while another holder's is unexpired or when there is no such session.

        The same holder asking again is granted a new fence: its earlier lease is lost."""

    async def renew(self, lease: Lease, *, now: float, seconds: float) -> Lease | None: ...

    async def release(self, lease: Lease) -> None: ...

    async def due(
        self, *, before: float, seen_since: float, now: float, limit: int
    ) -> tuple[SessionKey, ...]:
        """Sessions with `due_at` < before, seen since, out of cool-off and unleased: candidates for early renewal."""

    async def last_used_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        """Sessions not seen since `cutoff` (idle limit, cleaning)."""

    async def created_before(self, cutoff: float, limit: int) -> tuple[Session, ...]: ...

    async def reseal(self, limit: int) -> int:
        """Seal anew, under the ring's first key, at most `limit` records that another key of the ring sealed; how many were.

        Says the same as before: no new version, and caches hear nothing. 0 means that none is left."""

    async def spend_attempt(self, state_hash: str, *, now: float, seconds: float) -> bool:
        """True the first time a sign-in attempt's state is redeemed; False for a replay."""

    async def suspect(self, suspicion: Suspicion) -> bool:
        """Start a timer unless one runs for that person; True when started."""

    async def clear_suspicion(self, subject: Subject) -> bool:
        """Cancel; True when one was running."""

    async def fired(self, now: float, limit: int) -> tuple[Suspicion, ...]:
        """Timers whose time has come (not frozen); they stay until cleared."""

    async def suspicions_since(self, idp: IdpId, since: float) -> int:
        """How many timers of one IdP started since: the storm's measure. Counts cancelled ones too."""

    async def freeze(self, idp: IdpId, until: float) -> None:
        """No timer of this IdP fires before `until`."""

    async def changes(self, after: int) -> tuple[int, tuple[Change, ...]]:
        """Changes numbered above `after`, and the newest number; the cheap proof that the channel lives.

        Changes are kept for ten minutes. An `after` older than the oldest kept (or of another life of the store) yields a single
        Change whose key is "" and whose `has_ended` is False: something was missed, drop everything."""

    async def latest_change(self) -> int: ...

    async def ping(self) -> None: ...

"""The outbox's port, and its theory.

The outbox holds what *should be*, not calls: per person the latest statement of each source. A courier brings the app there.

- `note` writes a statement durably before anybody is told that it worked; an older one never replaces a newer (`merge.py`).
- An entry is claimed for 20 s and the claim renewed every 5; after `kill -9` the next courier finds it within that time.
- `ack` names the version it carried out: a statement that came meanwhile leaves the entry open.
- `bind` writes the binding and re-keys the entry (subject → account id) in one transaction; another entry of the same
  account is merged into it.
- A claim is fenced by its token: whoever lost it can no longer write.

All times are seconds since the epoch. Every method raises `Unavailable` when the engine does not answer in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from proxy.groups.rules import AppGroupName
from proxy.identity import IdpId, Subject
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState, Statement
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry out one entry until `until`."""

    entry: Entry
    holder: str
    token: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFigures:
    """What the metrics say: how many entries stand where, and the age of the oldest open one (seconds)."""

    open: int
    parked: int
    held: int
    oldest_open_age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleBinding:
    """A binding, and when its person was last active."""

    binding: Binding
    last_active_at: float


class Outbox(Protocol):
    """Durable entries; see the module's docstring for the theory."""

    async def note(self, statement: Statement, now: float) -> Entry:
        """Merge the statement into the person's entry (made when absent; the account's when bound); open it if it says more."""

    async def entry_of(self, subject: Subject) -> Entry | None: ...

    async def claim(
        self, *, holder: str, now: float, seconds: float, entry_id: int | None = None
    ) -> Claim | None:
        """The open entry that waits longest (or the one named, whatever its next attempt), unless another's claim on it lives."""

    async def renew_claim(self, claim: Claim, *, now: float, seconds: float) -> Claim | None: ...

    async def set_creating(self, claim: Claim, login: str) -> bool:
        """Durably write what we set out to create. False when the claim was lost."""

    async def bind(self, claim: Claim, binding: Binding) -> Claim | None:
        """Write the binding, re-key the entry; one of the same account is merged into this. None when the claim was lost.

        Whether an account that is bound already may be bound to a second subject (`link_across`) is the courier's decision."""

    async def ack(self, claim: Claim, *, now: float) -> Entry | None:
        """Done, unless a newer statement came (then it stays open). Returns the entry; None when the claim was lost."""

    async def retry(self, claim: Claim, *, at: float, reason: Reason, detail: str) -> None:
        """Give the claim back; next attempt at `at`."""

    async def set_aside(self, claim: Claim, state: EntryState, *, reason: Reason, detail: str) -> None:
        """Park or hold; a new statement that changes anything opens it again, `reopen` too."""

    async def drop(self, claim: Claim) -> None:
        """Delete an entry that was refused by the app and is not bound (semantics §4.7)."""

    async def reopen(self, entry_id: int | None, state: EntryState, now: float) -> int:
        """Open one (or all) entries of a state again; how many. All at once wait behind whatever somebody states."""

    async def dismiss(self, entry: Entry, now: float) -> bool:
        """Dropped as it stands, in one step; its detail stays. False, and left alone, when its state changed or news came."""

    async def entries(self, state: EntryState | None, limit: int) -> tuple[Entry, ...]: ...

    async def entries_after(self, entry_id: int, limit: int) -> tuple[Entry, ...]:
        """The next entries in the order of their ids, in any state: everybody, page by page, from 0 on."""

    async def entries_named(self, entry_ids: Iterable[int]) -> tuple[Entry, ...]:
        """Those of these entries that are still there."""

    async def reopen_named(self, entry_ids: Iterable[int], now: float) -> int:
        """Open those of these entries that are done, as bulk work; how many."""

    async def not_stated_before(self, before: float) -> dict[IdpId, int]:
        """By source, how many people's groups have not been stated since then or longer; those removed do not count."""

    async def figures(self, now: float) -> OutboxFigures: ...


class Bindings(Protocol):
    """Who is bound to which account."""

    async def binding_of(self, subject: Subject) -> Binding | None: ...

    async def bindings_of_account(self, account: AccountId) -> tuple[Binding, ...]: ...

    async def update_binding(self, binding: Binding) -> None:
        """Write login, granted role and block of an existing binding; the subject and account never change."""

    async def unbind(self, subject: Subject) -> None:
        """Forget a binding whose account the app lost (semantics §1.4)."""

    async def all_bindings(self) -> tuple[Binding, ...]:
        """Everybody's, by issuer and subject."""

    async def idle(self, *, before: float, after: Subject | None, limit: int) -> tuple[IdleBinding, ...]:
        """Bindings that are not blocked, of people not active since `before`; by issuer and subject, those behind `after`."""

    async def count_members(self) -> int:
        """Bindings that are not blocked: the guard's whole."""

    async def set_memberships(self, account: AccountId, groups: frozenset[AppGroupName]) -> None:
        """Remember which linked groups the account is in: the guard's per-link whole, and what edits by hand are told by."""

    async def memberships(self, account: AccountId) -> frozenset[AppGroupName]:
        """What was last remembered; empty where nothing was."""

    async def count_in_group(self, group: AppGroupName) -> int: ...


class GuardLedger(Protocol):
    """What the guard counts and latches, across replicas (semantics §6.4). A scope is `idp:ID` or `link:APP GROUP`."""

    async def count_removal(self, scope: str, person: str, now: float, *, window: float) -> int:
        """Record one person for this scope (once in the window) and return how many distinct ones the window holds."""

    async def latch(self, scope: str, now: float) -> bool:
        """True when newly latched."""

    async def latched(self) -> frozenset[str]: ...

    async def unlatch(self, scope: str) -> bool: ...


class SharedCounters(Protocol):
    """Small facts shared by replicas."""

    async def reserve_creation(self, person: str, now: float, *, window: float) -> int:
        """Record that `person` is being created (once in the window); how many distinct ones the window holds."""

    async def reserve_seat(self, person: str, limit: int, now: float, *, seconds: float) -> bool:
        """Keep a seat for `person` so long: if fewer than `limit` are taken or reserved, or they hold a reservation already."""

    async def release_seat(self, person: str) -> None:
        """The reservation is not needed."""

    async def settle_seat(self, person: str, account: AccountId, now: float) -> None:
        """The account is active and has its seat; the reservation ends in the same step."""

    async def vacate_seat(self, account: AccountId) -> None:
        """The account is active no more."""

    async def count_seats(self, now: float) -> int:
        """Seats taken by active accounts, and reservations that have not run out."""

    async def recount_seats(
        self, accounts: frozenset[AccountId] | None, *, looked_at: float, now: float
    ) -> None:
        """These accounts are active, as the app showed at `looked_at` (None: those of bindings that are not blocked).

        Reservations stay, and so does every seat that was settled since."""

    async def seats_counted_at(self) -> float | None:
        """When they were last counted; None: never."""


SOURCE_SCIM = IdpId("scim")

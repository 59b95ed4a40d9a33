"""The provisioning stores in memory: outbox, bindings, ledger and counters of one process, by the theory of `outbox.py`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import inf

from proxy.errors import Unavailable
from proxy.groups.rules import AppGroupName
from proxy.identity import IdpId, Subject
from proxy.provisioning.leases import NamedLease
from proxy.provisioning.merge import merge_entries, merge_statement, says_the_same
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState, Statement, Vouched
from proxy.provisioning.outbox import Claim, IdleBinding, OutboxFigures
from proxy.reasons import Reason


@dataclass
class MemoryStore:
    """Every port in one object. `is_down` makes each call raise Unavailable."""

    entries_by_id: dict[int, Entry] = field(default_factory=dict)
    claims: dict[int, Claim] = field(default_factory=dict)
    bound: dict[Subject, Binding] = field(default_factory=dict)
    groups: dict[AccountId, frozenset[AppGroupName]] = field(default_factory=dict)
    counted: dict[tuple[str, str], float] = field(default_factory=dict)
    latches: set[str] = field(default_factory=set)
    seats: dict[str, tuple[float, float]] = field(default_factory=dict)
    counted_at: float | None = None
    active: dict[Subject, float] = field(default_factory=dict)
    leases: dict[str, NamedLease] = field(default_factory=dict)
    is_down: bool = False
    last: int = 0

    def _up(self) -> None:
        if self.is_down:
            raise Unavailable("the store does not answer")

    def _next(self) -> int:
        self.last += 1
        return self.last

    # --- outbox -------------------------------------------------------------------------------------------------

    async def note(self, statement: Statement, now: float) -> Entry:
        self._up()
        numbered = replace(statement, seq=self._next())
        entry = self._entry_of(statement.subject)
        if entry is None:
            binding = self.bound.get(statement.subject)
            return self._put(
                Entry(
                    id=self._next(),
                    account_id=binding.account_id if binding else None,
                    statements=merge_statement((), numbered) or (),
                    state=EntryState.OPEN,
                    version=1,
                    next_attempt_at=now,
                    since=now,
                )
            )
        merged = merge_statement(entry.statements, numbered)
        if merged is None:
            return entry
        if says_the_same(entry.statements, merged):
            return self._put(replace(entry, statements=merged))
        return self._put(
            replace(
                entry,
                statements=merged,
                state=EntryState.OPEN,
                version=entry.version + 1,
                attempts=0,
                next_attempt_at=now,
                reason=None,
                detail="",
            )
        )

    def _put(self, entry: Entry) -> Entry:
        self.entries_by_id[entry.id] = entry
        return entry

    def _entry_of(self, subject: Subject) -> Entry | None:
        binding = self.bound.get(subject)
        for entry in self.entries_by_id.values():
            if binding is not None and entry.account_id == binding.account_id:
                return entry
            if binding is None and entry.account_id is None and entry.statements[0].subject == subject:
                return entry
        return None

    async def entry_of(self, subject: Subject) -> Entry | None:
        self._up()
        return self._entry_of(subject)

    async def claim(
        self, *, holder: str, now: float, seconds: float, entry_id: int | None = None
    ) -> Claim | None:
        self._up()
        for entry in sorted(self.entries_by_id.values(), key=lambda one: (one.since, one.id)):
            held = self.claims.get(entry.id)
            is_due = entry.next_attempt_at <= now if entry_id is None else entry.id == entry_id
            if entry.state is EntryState.OPEN and is_due and (held is None or held.until <= now):
                claim = Claim(entry=entry, holder=holder, token=self._next(), until=now + seconds)
                self.claims[entry.id] = claim
                return claim
        return None

    def _holds(self, claim: Claim) -> bool:
        held = self.claims.get(claim.entry.id)
        return held is not None and held.token == claim.token

    async def renew_claim(self, claim: Claim, *, now: float, seconds: float) -> Claim | None:
        self._up()
        if not self._holds(claim):
            return None
        renewed = replace(claim, until=now + seconds)
        self.claims[claim.entry.id] = renewed
        return renewed

    async def set_creating(self, claim: Claim, login: str) -> bool:
        self._up()
        if self._holds(claim):
            self._put(replace(self.entries_by_id[claim.entry.id], creating=login))
        return self._holds(claim)

    async def bind(self, claim: Claim, binding: Binding) -> Claim | None:
        self._up()
        known = self.bound.get(binding.subject)
        if not self._holds(claim) or (known is not None and known.account_id != binding.account_id):
            return None
        self.bound[binding.subject] = binding
        entry = self.entries_by_id[claim.entry.id]
        for other in list(self.entries_by_id.values()):
            if other.id != entry.id and other.account_id == binding.account_id:
                del self.entries_by_id[other.id]
                merged = merge_entries(entry.statements, other.statements)
                entry = replace(entry, statements=merged, version=entry.version + 1)
        self._put(replace(entry, account_id=binding.account_id, creating=None))
        return replace(claim, entry=replace(self.entries_by_id[entry.id], version=claim.entry.version))

    async def ack(self, claim: Claim, *, now: float) -> Entry | None:
        self._up()
        if not self._holds(claim):
            return None
        entry = self.entries_by_id[claim.entry.id]
        state = EntryState.DONE if entry.version == claim.entry.version else EntryState.OPEN
        del self.claims[entry.id]
        return self._put(
            replace(
                entry, state=state, attempts=0, next_attempt_at=now, reason=None, detail="", creating=None
            )
        )

    async def retry(self, claim: Claim, *, at: float, reason: Reason, detail: str) -> None:
        self._up()
        if self._holds(claim):
            entry = self.entries_by_id[claim.entry.id]
            due = at if entry.version == claim.entry.version else entry.next_attempt_at
            del self.claims[entry.id]
            tried = entry.attempts + 1
            self._put(replace(entry, attempts=tried, next_attempt_at=due, reason=reason, detail=detail))

    async def set_aside(self, claim: Claim, state: EntryState, *, reason: Reason, detail: str) -> None:
        self._up()
        if self._holds(claim):
            entry = self.entries_by_id[claim.entry.id]
            del self.claims[entry.id]
            is_newer = entry.version != claim.entry.version
            kept = EntryState.OPEN if is_newer else state
            self._put(replace(entry, state=kept, reason=reason, detail=detail))

    async def drop(self, claim: Claim) -> None:
        self._up()
        if self._holds(claim):
            entry = self.entries_by_id[claim.entry.id]
            del self.claims[entry.id]
            if entry.account_id is None and entry.version == claim.entry.version:
                del self.entries_by_id[entry.id]

    async def reopen(self, entry_id: int | None, state: EntryState, now: float) -> int:
        self._up()
        chosen = [
            one
            for one in self.entries_by_id.values()
            if one.state is state and state is not EntryState.OPEN and entry_id in (None, one.id)
        ]
        for one in chosen:
            self._put(
                replace(one, state=EntryState.OPEN, attempts=0, next_attempt_at=now, reason=None, since=now)
            )
        return len(chosen)

    async def dismiss(self, entry: Entry, now: float) -> bool:
        self._up()
        held = self.entries_by_id.get(entry.id)
        if held is None or (held.state, held.version) != (entry.state, entry.version):
            return False
        self._put(replace(held, state=EntryState.DROPPED, attempts=0, reason=Reason.DROPPED, since=now))
        return True

    async def entries(self, state: EntryState | None, limit: int) -> tuple[Entry, ...]:
        self._up()
        return tuple(one for one in self.entries_by_id.values() if state in (None, one.state))[:limit]

    async def entries_after(self, entry_id: int, limit: int) -> tuple[Entry, ...]:
        self._up()
        return tuple(one for number, one in sorted(self.entries_by_id.items()) if number > entry_id)[:limit]

    async def entries_named(self, entry_ids: Iterable[int]) -> tuple[Entry, ...]:
        self._up()
        return tuple(self.entries_by_id[one] for one in sorted(entry_ids) if one in self.entries_by_id)

    async def reopen_named(self, entry_ids: Iterable[int], now: float) -> int:
        done = [one for one in await self.entries_named(entry_ids) if one.state is EntryState.DONE]
        for one in done:
            self._put(replace(one, state=EntryState.OPEN, attempts=0, next_attempt_at=now, since=now))
        return len(done)

    async def not_stated_before(self, before: float) -> dict[IdpId, int]:
        self._up()
        silent = (
            said.source
            for entry in self.entries_by_id.values()
            for said in entry.statements
            if isinstance(said.says, Vouched)
            and said.not_stated_since is not None
            and said.not_stated_since <= before
        )
        return dict(Counter(silent))

    async def figures(self, now: float) -> OutboxFigures:
        self._up()
        states = [one.state for one in self.entries_by_id.values()]
        oldest = min(
            (one.since for one in self.entries_by_id.values() if one.state is EntryState.OPEN), default=now
        )
        return OutboxFigures(
            open=states.count(EntryState.OPEN),
            parked=states.count(EntryState.PARKED),
            held=states.count(EntryState.HELD),
            oldest_open_age=now - oldest,
        )

    # --- bindings -----------------------------------------------------------------------------------------------

    async def binding_of(self, subject: Subject) -> Binding | None:
        self._up()
        return self.bound.get(subject)

    async def bindings_of_account(self, account: AccountId) -> tuple[Binding, ...]:
        self._up()
        found = [one for one in self.bound.values() if one.account_id == account]
        return tuple(sorted(found, key=lambda one: one.subject))

    async def update_binding(self, binding: Binding) -> None:
        self._up()
        if self.bound.get(binding.subject, binding).account_id == binding.account_id:
            self.bound[binding.subject] = binding

    async def all_bindings(self) -> tuple[Binding, ...]:
        self._up()
        return tuple(sorted(self.bound.values(), key=lambda one: one.subject))

    async def idle(self, *, before: float, after: Subject | None, limit: int) -> tuple[IdleBinding, ...]:
        self._up()
        found = (
            IdleBinding(binding=one, last_active_at=self.active.get(one.subject, 0.0))
            for one in await self.all_bindings()
            if not one.is_blocked and (after is None or one.subject > after)
        )
        return tuple(one for one in found if one.last_active_at < before)[:limit]

    async def unbind(self, subject: Subject) -> None:
        self._up()
        binding = self.bound.pop(subject, None)
        if binding is None:
            return
        others = [one for one in self.bound.values() if one.account_id == binding.account_id]
        for entry in list(self.entries_by_id.values()):
            if entry.account_id != binding.account_id:
                continue
            if others:
                kept = tuple(one for one in entry.statements if one.subject != subject)
                self._put(replace(entry, statements=kept, version=entry.version + 1))
            else:
                self._put(replace(entry, account_id=None))

    async def count_members(self) -> int:
        self._up()
        return sum(not one.is_blocked for one in self.bound.values())

    async def set_memberships(self, account: AccountId, groups: frozenset[AppGroupName]) -> None:
        self._up()
        self.groups[account] = groups

    async def memberships(self, account: AccountId) -> frozenset[AppGroupName]:
        self._up()
        return self.groups.get(account, frozenset())

    async def count_in_group(self, group: AppGroupName) -> int:
        self._up()
        return sum(group in groups for groups in self.groups.values())

    # --- ledger and counters ------------------------------------------------------------------------------------

    async def count_removal(self, scope: str, person: str, now: float, *, window: float) -> int:
        self._up()
        return self._count(scope, person, now, window)

    async def reserve_creation(self, person: str, now: float, *, window: float) -> int:
        self._up()
        return self._count("creations", person, now, window)

    def _count(self, scope: str, person: str, now: float, window: float) -> int:
        if self.counted.get((scope, person), now - window) <= now - window:
            self.counted[scope, person] = now
        return sum(one == scope and at > now - window for (one, _), at in self.counted.items())

    async def reserve_seat(self, person: str, limit: int, now: float, *, seconds: float) -> bool:
        if f"person:{person}" not in self.seats and await self.count_seats(now) >= limit:
            return False
        self.seats[f"person:{person}"] = (now, now + seconds)
        return True

    async def release_seat(self, person: str) -> None:
        self._up()
        self.seats.pop(f"person:{person}", None)

    async def settle_seat(self, person: str, account: AccountId, now: float) -> None:
        await self.release_seat(person)
        self.seats[f"account:{account}"] = (now, inf)

    async def vacate_seat(self, account: AccountId) -> None:
        self._up()
        self.seats.pop(f"account:{account}", None)

    async def count_seats(self, now: float) -> int:
        self._up()
        self.seats = {who: (at, until) for who, (at, until) in self.seats.items() if until > now}
        return len(self.seats)

    async def recount_seats(
        self, accounts: frozenset[AccountId] | None, *, looked_at: float, now: float
    ) -> None:
        self._up()
        if accounts is None:
            accounts = frozenset(one.account_id for one in self.bound.values() if not one.is_blocked)
        held = {who: row for who, row in self.seats.items() if row[1] < inf or row[0] >= looked_at}
        self.seats = {f"account:{one}": (looked_at, inf) for one in accounts} | held
        self.counted_at = now

    async def seats_counted_at(self) -> float | None:
        self._up()
        return self.counted_at

    # --- named leases -------------------------------------------------------------------------------------------

    async def acquire(self, name: str, *, holder: str, now: float, seconds: float) -> NamedLease | None:
        self._up()
        held = self.leases.get(name)
        if held is not None and held.until > now:
            return None
        fence = held.fence + 1 if held else 1
        self.leases[name] = NamedLease(name=name, holder=holder, fence=fence, until=now + seconds)
        return self.leases[name]

    async def renew(self, lease: NamedLease, *, now: float, seconds: float) -> NamedLease | None:
        self._up()
        held = self.leases.get(lease.name)
        if held is None or held.fence != lease.fence or not held.until:
            return None
        self.leases[lease.name] = replace(held, until=now + seconds)
        return self.leases[lease.name]

    async def release(self, lease: NamedLease) -> None:
        await self.renew(lease, now=0.0, seconds=0.0)

    async def latch(self, scope: str, now: float) -> bool:
        self._up()
        is_new = scope not in self.latches
        self.latches.add(scope)
        return is_new

    async def latched(self) -> frozenset[str]:
        self._up()
        return frozenset(self.latches)

    async def unlatch(self, scope: str) -> bool:
        self._up()
        self.counted = {key: at for key, at in self.counted.items() if key[0] != scope}
        was = scope in self.latches
        self.latches.discard(scope)
        return was

"""Compares the people of one look, page by page, and counts what it finds."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from proxy.groups.rules import AppGroupName
from proxy.provisioning.administrators import is_last_of
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.errand import Errand, on_errand
from proxy.provisioning.full_look import (
    Agrees,
    Differs,
    Finding,
    Left,
    Whole,
    cleared_of_unknown,
    is_out_of_place,
    look_at,
    unknown_members,
    waiting,
)
from proxy.provisioning.guard import limit, link_scope, scopes_to_count
from proxy.provisioning.kit import Kit
from proxy.provisioning.model import (
    AccountId,
    Because,
    Binding,
    Entry,
    EntryState,
    Gone,
    Member,
    Should,
    Vouched,
    Wanted,
)
from proxy.provisioning.performing import operation_name
from proxy.provisioning.report import Kind, Line, Tally
from proxy.provisioning.retry import is_the_apis
from proxy.provisioning.should import should_be
from proxy.provisioning.terms import terms_for
from proxy.provisioning.unknown import Unknown
from proxy.provisioning.whole import Progress
from proxy.reasons import Reason

BREATH: Final = 8
"""So many people are compared without a pause: requests are served by the same loop."""

_KINDS: Final = {
    Reason.ARCHIVED_IN_APP: Kind.KEPT,
    Reason.DROPPED: Kind.KEPT,
    Reason.GUARD_TRIPPED: Kind.HELD,
}

Bound: TypeAlias = Mapping[AccountId, tuple[Binding, ...]]


@dataclass(slots=True, kw_only=True)
class Look:
    """One look: what was read, and what is found. `only` is the group that is pushed, None for everybody.

    `aside` are entries that were parked or dropped and are opened again by this look, with the state they are in.
    """

    kit: Kit
    view: AppView
    whole: Whole
    only: AppGroupName | None
    is_dry_run: bool
    progress: Progress
    tally: Tally = field(default_factory=Tally)
    seen: frozenset[AppGroupName] = field(default=frozenset())
    aside: dict[int, EntryState] = field(default_factory=dict)
    _taken: dict[str, set[AccountId]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def begun(
        cls,
        kit: Kit,
        whole: Whole,
        only: AppGroupName | None,
        is_dry_run: bool,
        progress: Progress,
        tally: Tally | None = None,
    ) -> "Look":
        view = AppView(kit.app, kit.rules.groups, kit.clock)
        look = cls(
            kit=kit,
            view=view,
            whole=whole,
            only=only,
            is_dry_run=is_dry_run,
            progress=progress,
            tally=tally or Tally(),
        )
        look.tally.groups = len(whole.looked)
        return look

    async def compare(self, page: tuple[Entry, ...], bound: Bound) -> list[int]:
        """The entries of those who differ. Accounts that must be read for themselves are read a few at a time."""
        slots = asyncio.Semaphore(self.kit.rules.bulk_slots)
        differing: list[int] = []
        reads: list[tuple[Entry, Should, Binding]] = []
        for number, entry in enumerate(page):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            account = entry.account_id
            if account is None or account not in bound:
                continue
            entry = self._opened(entry)
            should = should_be(
                entry.statements,
                self.kit.rules.link.join,
                self.kit.rules.groups,
                self.whole.names,
                seen=self.seen,
            )
            binding = bound[account][0]
            if not self._is_concerned(should, account):
                self._count_in_place(account)
                continue
            self.tally.looked_at += 1
            member = self.whole.listed(account)
            if member is None and self._must_read(entry, should):
                reads.append((entry, should, binding))
            elif self._found(entry, should, member, binding):
                differing.append(entry.id)
        found = await asyncio.gather(*(self._read(slots, *one) for one in reads))
        return differing + [entry.id for (entry, _, _), differs in zip(reads, found, strict=True) if differs]

    def _opened(self, entry: Entry) -> Entry:
        """The entry as this look takes it: what it opens again passes for done, and is remembered with the state it is in."""
        is_asked_for = self.only is not None and entry.state is EntryState.DROPPED
        if not is_asked_for and not (self.only is None and is_the_apis(entry)):
            return entry
        self.aside[entry.id] = entry.state
        return replace(entry, state=EntryState.DONE)

    def _count_in_place(self, account: AccountId) -> None:
        """Of a group that is pushed, whoever is in it as they should be was looked at too."""
        if self.whole.groups_of(account):
            self.tally.looked_at += 1
            self.tally.agree += 1

    def _is_concerned(self, should: Should, account: AccountId) -> bool:
        if self.only is None:
            return True
        return any(is_out_of_place(should, account, group, self.whole) for group in self.whole.looked)

    def _must_read(self, entry: Entry, should: Should) -> bool:
        """Whoever is not on the list of active accounts and should not be is where they should be."""
        is_rightly_absent = self.whole.accounts is not None and isinstance(should, Gone)
        return not is_rightly_absent and waiting(entry) is None

    async def _read(self, slots: asyncio.Semaphore, entry: Entry, should: Should, binding: Binding) -> bool:
        async with slots:
            member = await self._member(binding)
        if isinstance(member, AppTrouble | AppRefusal):
            self.left(entry, Left(reason=Reason.APP_TROUBLE, detail=member.detail), binding.login)
            return False
        return self._found(entry, should, member, binding)

    async def _member(self, binding: Binding) -> Member | AppFault | None:
        purpose = "sweep" if self.only is None else "push"
        errand = Errand(purpose=purpose, subject=binding.subject, account=binding.account_id)
        app = on_errand(self.kit.app, errand)
        if self.only is not None or self.whole.masks is None:
            return await self.view.through(app).member(binding.account_id)
        found = await app.account(binding.account_id)
        return self.whole.with_groups(found) if isinstance(found, Member) else found

    def _found(self, entry: Entry, should: Should, member: Member | None, binding: Binding) -> bool:
        """Count the finding; whether the courier is to visit them."""
        terms = terms_for(
            member or _nobody(binding),
            own=self.whole.own,
            binding=binding,
            capabilities=self.kit.app.capabilities,
            rules=self.kit.rules,
            is_last_admin=member is not None and member.is_admin and self._is_last(member),
        )
        finding: Finding = look_at(entry, should, member, self.whole.groups, terms)
        match finding:
            case Agrees(notes=notes):
                self.tally.agree += 1
                self._note(notes, entry, should, binding)
                return False
            case Left():
                self.left(entry, finding, binding.login)
                return False
            case Differs(plan=planned):
                for step in planned.steps:
                    name = operation_name(step.operation)
                    self._line(Kind.CHANGE, binding, name, step.because.about, step.because)
                newest = max(entry.statements, key=lambda one: (one.at, one.seq))
                for scope in scopes_to_count(planned, newest.source):
                    self._taken[scope].add(binding.account_id)
                self._note(planned.notes, entry, should, binding)
                return True

    def _is_last(self, member: Member) -> bool:
        """Where the accounts were not read, though they could be, the courier asks before it takes anything away."""
        accounts = self.whole.accounts
        if accounts is None:
            return not self.kit.app.capabilities.can_list_accounts
        protected = self.kit.rules.link.protected
        return is_last_of(accounts.values(), member, own=self.whole.own, protected=protected)

    def _note(self, notes: tuple[Because, ...], entry: Entry, should: Should, binding: Binding) -> None:
        for note in notes:
            self._line(Kind.KEPT, binding, note.reason.value, note.about, note)
        if isinstance(should, Wanted) and _is_silent(entry) and self.kit.rules.groups.is_enabled:
            silence = Because(reason=Reason.NOT_STATED, about="groups", cause="the last known ones stand")
            self._line(Kind.KEPT, binding, Reason.NOT_STATED.value, "groups", silence)

    def left(self, entry: Entry, finding: Left, login: str) -> None:
        kind = _KINDS.get(finding.reason, Kind.SKIPPED)
        self.tally.add(
            Line(
                kind=kind,
                account=entry.account_id,
                login=login,
                what=finding.reason.value,
                about="",
                reason=finding.reason,
                cause=finding.detail,
            )
        )

    def settled(self, entry: Entry | None, bound: Bound) -> None:
        """What became of somebody who was visited: those who agree now were told of as changes already."""
        if entry is not None and (waits := waiting(entry)):
            self.left(entry, waits, bound_login(bound, entry))

    async def unknown(self, bound: Bound) -> None:
        matter = cleared_of_unknown(self.kit.rules.groups, self.seen)
        looker = Unknown(
            kit=self.kit, whole=self.whole, tally=self.tally, is_dry_run=self.is_dry_run, taken=self._taken
        )
        for account, groups in unknown_members(self.whole, bound, matter):
            await looker.look(account, groups)

    async def would_hold(self) -> set[str]:
        """The scopes that this look alone would latch; what the last hour counted already is not known to a dry run."""
        held: set[str] = set()
        for scope, people in self._taken.items():
            group = scope.removeprefix("link:")
            is_link = scope == link_scope(AppGroupName(group))
            count = self.kit.bindings.count_in_group(AppGroupName(group)) if is_link else None
            members = await count if count is not None else await self.kit.bindings.count_members()
            if len(people) > limit(scope, members, self.kit.rules.guard):
                held.add(scope)
        return held

    def _line(self, kind: Kind, binding: Binding, what: str, about: str, because: Because) -> None:
        self.tally.add(
            Line(
                kind=kind,
                account=binding.account_id,
                login=binding.login,
                what=what,
                about=about,
                reason=because.reason,
                cause=because.cause,
            )
        )


def bound_login(bound: Bound, entry: Entry) -> str:
    """The app's login of whoever an entry is about, as last read; empty where nobody is bound."""
    return next((one.login for one in bound.get(entry.account_id or AccountId(""), ())), "")


def _is_silent(entry: Entry) -> bool:
    return any(one.not_stated_since is not None for one in entry.statements if isinstance(one.says, Vouched))


def _nobody(binding: Binding) -> Member:
    """An account that is not there, for terms that then matter to nobody."""
    return Member(id=binding.account_id, login=binding.login, email=None, name=None, is_active=False)

"""How a visit ends: what is written down, what the sessions are told, and where the entry is left.

| outcome | bound | sessions hear | the entry |
|---|---|---|---|
| the app agrees, somebody wanted | yes | ready, with the login read from the app | done |
| the app agrees, somebody gone | yes | refused | done |
| agrees, but the guard holds steps | yes | as above | held |
| agrees, but the app refused steps that hold nothing else up | yes | as above | parked |
| refused (no seat, login taken, protected, not invited …) | no | refused, with the reason | deleted |
| no seat for somebody to be restored | yes | refused | parked |
| trouble | yes, not blocked | ready, with what was last applied | tried again |
| trouble | no, or to be restored | pending | tried again |
| another refusal by the app | either | as for trouble | parked, for an operator |

Sessions hear before the entry is settled: after a crash in between they are told once more, never not at all.
"""

from dataclasses import replace

from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import Subject
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.guard import RELEASED, Held
from proxy.provisioning.kit import Journal, Kit, Visited
from proxy.provisioning.model import Binding, EntryState, Member, Should, Wanted
from proxy.provisioning.outbox import Claim
from proxy.provisioning.retry import Again, Park, after_fault
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready

_REFUSALS = frozenset(
    {
        Reason.NO_SEAT,
        Reason.LOGIN_TAKEN,
        Reason.PROTECTED_ACCOUNT,
        Reason.BOUND_TO_ANOTHER,
        Reason.NOT_INVITED,
    }
)
"""What keeps somebody out for good; anything else may pass."""


class Ending:
    """Settles one visit. `claim` and `bindings` follow the visit as it goes on."""

    def __init__(self, kit: Kit, claim: Claim, journal: Journal) -> None:
        self._kit = kit
        self._journal = journal
        self.claim = claim
        self.bindings: tuple[Binding, ...] = ()

    async def block(self, reason: Reason) -> None:
        """Nobody gets in by these bindings any more; the app is not waited for (semantics §6.1)."""
        if any(not binding.is_blocked for binding in self.bindings):
            await self.update_bindings(is_blocked=True)
            self._journal.account = self.bindings[0].account_id
            self._journal.write("block", reason)
        await self._tell(AccountRefused(reason=reason))
        self._kit.checkpoint("blocked")

    async def update_bindings(
        self,
        *,
        login: str | None = None,
        granted_role: RoleName | None = None,
        is_blocked: bool | None = None,
    ) -> None:
        """Write what is given into every binding of the account; nothing where it is so already."""
        written: list[Binding] = []
        for binding in self.bindings:
            wanted = replace(
                binding,
                login=binding.login if login is None else login,
                granted_role=binding.granted_role if granted_role is None else granted_role,
                is_blocked=binding.is_blocked if is_blocked is None else is_blocked,
            )
            if wanted != binding:
                await self._kit.bindings.update_binding(wanted)
            written.append(wanted)
        self.bindings = tuple(written)

    async def agreed(
        self,
        should: Should,
        member: Member | None,
        memberships: frozenset[AppGroupName],
        *,
        held: tuple[Held, ...],
        complaints: tuple[str, ...],
    ) -> Visited:
        """Nothing is left that we may do."""
        account = await self._written_down(should, member, memberships)
        await self._tell(account)
        if held:
            scopes = "\n".join(one.scope for one in held)
            return await self._set_aside(EntryState.HELD, account, Reason.GUARD_TRIPPED, scopes)
        if complaints:
            return await self._set_aside(
                EntryState.PARKED, account, Reason.APP_REFUSED, "; ".join(complaints)
            )
        return await self._ack(account, Reason.APPLIED)

    async def as_is(self, reason: Reason) -> Visited:
        """A bound member whose statement is refused by rule stays as they are (semantics §4.7)."""
        binding = self.bindings[0]
        account = AccountRefused(reason=reason) if binding.is_blocked else _ready(binding)
        await self._tell(account)
        return await self._ack(account, reason)

    async def gone_account(self) -> Visited:
        """Bound to an account that the app lost, and none may be made."""
        account = AccountRefused(reason=Reason.ACCOUNT_GONE)
        await self._tell(account)
        return await self._ack(account, Reason.ACCOUNT_GONE)

    async def nobody(self, reason: Reason) -> Visited:
        """Gone without ever having been bound. A creation that was cut short may have left an account: said, not guessed."""
        creating = self.claim.entry.creating
        found = await self._kit.app.search(email=None, login=creating) if creating else ()
        if isinstance(found, AppTrouble | AppRefusal):
            return await self._again_or_park(found, AccountRefused(reason=reason))
        unbound = [one for one in found if not await self._kit.bindings.bindings_of_account(one.id)]
        if not unbound:
            return await self.refuse(reason, "gone before there was an account")
        account = AccountRefused(reason=reason)
        await self._tell(account)
        detail = f"account {creating!r} may have been made just before the removal: look at it"
        return await self._set_aside(EntryState.PARKED, account, Reason.AMBIGUOUS_ACCOUNT, detail)

    async def refuse(self, reason: Reason, detail: str) -> Visited:
        """No account: the sessions carry the reason. An unbound entry has nothing left to say and goes."""
        account = AccountRefused(reason=reason)
        await self._tell(account)
        if self.bindings:
            return await self._set_aside(EntryState.PARKED, account, reason, detail)
        self._journal.write("refuse", reason, cause=detail, outcome="refused")
        self._kit.checkpoint("before drop")
        await self._kit.outbox.drop(self.claim)
        return self._visited(account, None, reason, detail)

    async def fault(self, fault: AppFault, should: Should, member: Member | None = None) -> Visited:
        """The app would not or could not; see the table."""
        if isinstance(fault, AppRefusal) and fault.reason in _REFUSALS and isinstance(should, Wanted):
            return await self.refuse(fault.reason, fault.detail)
        reason = fault.reason if isinstance(fault, AppRefusal) else Reason.APP_TROUBLE
        account = self._meanwhile(should, reason, member)
        await self._tell(account)
        return await self._again_or_park(fault, account)

    async def again(self, again: Again, should: Should) -> Visited:
        account = self._meanwhile(should, again.reason, None)
        await self._tell(account)
        return await self._retry(again, account)

    async def park(self, reason: Reason, detail: str, should: Should) -> Visited:
        account = self._meanwhile(should, reason, None)
        await self._tell(account)
        return await self._set_aside(EntryState.PARKED, account, reason, detail)

    def claim_lost(self) -> Visited:
        """Somebody else carries the entry out and will tell the sessions."""
        lost = self._visited(Pending(), None, Reason.BEING_SET_UP, "the claim was lost")
        return replace(lost, is_lost=True)

    async def _written_down(
        self, should: Should, member: Member | None, memberships: frozenset[AppGroupName]
    ) -> AccountState:
        if member is not None:
            await self._kit.bindings.set_memberships(member.id, memberships)
        if not isinstance(should, Wanted):
            return AccountRefused(reason=should.reason)
        if member is None or not member.is_active:
            return AccountRefused(reason=Reason.PROVISIONING_OFF)
        await self.update_bindings(login=member.login, is_blocked=False)
        self._kit.checkpoint("written down")
        return Ready(login=member.login, account_id=member.id)

    def _meanwhile(self, should: Should, reason: Reason, member: Member | None) -> AccountState:
        """What a session is worth while the app has not agreed."""
        if not isinstance(should, Wanted):
            return AccountRefused(reason=should.reason)
        is_shut = member is not None and not member.is_active
        if not self.bindings or self.bindings[0].is_blocked or is_shut:
            return Pending(reason=reason)
        return _ready(self.bindings[0])

    async def _again_or_park(self, fault: AppFault, account: AccountState) -> Visited:
        following = after_fault(fault, self.claim.entry.attempts, self._kit.entropy(4))
        if isinstance(following, Park):
            return await self._set_aside(EntryState.PARKED, account, following.reason, following.detail)
        wait = (fault.retry_after or 0.0) if isinstance(fault, AppTrouble) else 0.0
        return replace(await self._retry(following, account), wait=wait)

    async def _retry(self, again: Again, account: AccountState) -> Visited:
        cause = f"again in {again.after:.0f} s"
        self._journal.write("retry", again.reason, cause=cause, outcome=again.detail)
        at = self._kit.clock() + again.after
        await self._kit.outbox.retry(self.claim, at=at, reason=again.reason, detail=again.detail)
        return self._visited(account, EntryState.OPEN, again.reason, again.detail)

    async def _set_aside(
        self, state: EntryState, account: AccountState, reason: Reason, detail: str
    ) -> Visited:
        operation = "hold" if state is EntryState.HELD else "park"
        self._journal.write(operation, reason, cause=detail, outcome=state.value)
        self._kit.checkpoint("before set aside")
        await self._kit.outbox.set_aside(self.claim, state, reason=reason, detail=detail)
        return self._visited(account, state, reason, detail)

    async def _ack(self, account: AccountState, reason: Reason) -> Visited:
        await self._spend_releases()
        self._kit.checkpoint("before ack")
        entry = await self._kit.outbox.ack(self.claim, now=self._kit.clock())
        self._kit.checkpoint("after ack")
        return self._visited(account, entry.state if entry else None, reason, "")

    async def _spend_releases(self) -> None:
        """What an administrator released for this person was for this once."""
        if not self.bindings:
            return
        person = f" {self.bindings[0].account_id}"
        for mark in await self._kit.ledger.latched():
            if mark.startswith(RELEASED) and mark.endswith(person):
                await self._kit.ledger.unlatch(mark)

    async def _tell(self, account: AccountState) -> None:
        bound = {binding.subject for binding in self.bindings}
        subjects: set[Subject] = bound or {one.subject for one in self.claim.entry.statements}
        for subject in sorted(subjects):
            await self._kit.tell(subject, account)
        self._kit.checkpoint("told")

    def _visited(
        self, account: AccountState, state: EntryState | None, reason: Reason, detail: str
    ) -> Visited:
        return Visited(
            account=account, state=state, version=self.claim.entry.version, reason=reason, detail=detail
        )


def _ready(binding: Binding) -> Ready:
    return Ready(login=binding.login, account_id=binding.account_id)

"""One visit: an entry is carried out.

    Read what the person should have and what their account is.
    Plan, have the guard look, and perform what it lets through, one absolute operation after the other.
    Read again, until there is nothing left to do.
    Write down what is so now, tell the sessions, acknowledge.

Blocking comes before all of it and never waits for the app. A visit that ends anywhere in between, by a fault or by
`kill -9`, leaves the entry open and is begun anew from the truth: nothing is lost, and nothing is doubled.
"""

from dataclasses import replace

from proxy.groups.links import owned_groups
from proxy.groups.rules import AppGroupName, Missing, RoleName
from proxy.identity import IdpId, Subject
from proxy.provisioning.administrators import (
    ASKED_AGAIN_SECONDS,
    Administrators,
    takes_from_administrator,
)
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.ending import Ending
from proxy.provisioning.errand import Errand
from proxy.provisioning.guard import Held
from proxy.provisioning.hand_edits import may_be_by_hand, noted
from proxy.provisioning.holding import consult_guard
from proxy.provisioning.joining import ClaimLost, Joined, Joiner
from proxy.provisioning.kit import Journal, Kit, Visited
from proxy.provisioning.linking import RefuseAccount
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Because,
    Binding,
    Gone,
    Member,
    Plan,
    Refused,
    Restore,
    SetRole,
    Should,
    Wanted,
)
from proxy.provisioning.outbox import Claim
from proxy.provisioning.performing import Performer
from proxy.provisioning.plan import Terms, is_higher, plan
from proxy.provisioning.retry import Again
from proxy.provisioning.seats import reserve_for_restore
from proxy.provisioning.should import should_be
from proxy.provisioning.terms import terms_for
from proxy.reasons import Reason

ROUNDS = 5
"""An app that does not keep what it agreed to is not asked for ever."""

_ONE_AT_A_TIME = Again(
    after=ASKED_AGAIN_SECONDS, reason=Reason.PROTECTED_LEFT_ALONE, detail="another administrator's turn"
)


class Visit:
    """Carries out one claimed entry; used once."""

    def __init__(self, kit: Kit, claim: Claim) -> None:
        newest = max(claim.entry.statements, key=lambda one: (one.at, one.seq))
        kit = kit.on_errand(Errand(subject=newest.subject, account=claim.entry.account_id))
        self._kit = kit
        self._idp: IdpId = newest.source
        self._subject: Subject = newest.subject
        self._journal = Journal(kit, newest.subject, claim.entry.account_id)
        self._performer = Performer(kit, self._journal)
        self._noted: set[Because] = set()
        self._claim = claim
        self._ending = Ending(kit, claim, self._journal)
        self._administrators = Administrators(kit)

    async def run(self) -> Visited:
        """See the module's docstring."""
        try:
            return await self._run()
        finally:
            await self._administrators.give_back()

    async def _run(self) -> Visited:
        self._kit.checkpoint("claimed")
        self._ending.bindings = await self._read_bindings()
        should = self._should(frozenset(), frozenset())
        over = await self._before_the_app(should)
        if over is not None:
            return over
        member = await self._account(should)
        if isinstance(member, Visited):
            return member
        if isinstance(member, AppTrouble | AppRefusal):
            return await self._ending.fault(member, should)
        return await self._agree(should, member)

    async def _read_bindings(self) -> tuple[Binding, ...]:
        account = self._claim.entry.account_id
        if account is not None and (bound := await self._kit.bindings.bindings_of_account(account)):
            return bound
        for statement in self._claim.entry.statements:
            if found := await self._kit.bindings.binding_of(statement.subject):
                return await self._kit.bindings.bindings_of_account(found.account_id)
        return ()

    def _should(self, names: frozenset[AppGroupName], seen: frozenset[AppGroupName]) -> Should:
        rules = self._kit.rules
        return should_be(self._claim.entry.statements, rules.link.join, rules.groups, names, seen=seen)

    async def _before_the_app(self, should: Should) -> Visited | None:
        """What is settled without the app: blocking, and people refused by statement alone."""
        is_bound = bool(self._ending.bindings)
        match should:
            case Gone(reason=reason) | Refused(reason=Reason.DENY_LISTED as reason) if is_bound:
                await self._ending.block(reason)
            case Gone(reason=reason):
                return await self._ending.nobody(reason)
            case Refused(reason=reason) if is_bound:
                return await self._ending.as_is(reason)
            case Refused(reason=reason):
                return await self._ending.refuse(reason, "refused by statement alone")
            case Wanted():
                pass
        return None

    async def _account(self, should: Should) -> Member | Visited | AppFault | None:
        """The account as it is: the bound one, or the one that joining led to."""
        if not self._ending.bindings:
            return await self._join(should)
        account = self._ending.bindings[0].account_id
        self._journal.account = account
        member = await self._kit.view.member(account)
        self._kit.checkpoint("read")
        return await self._lost(should, account) if member is None else member

    async def _join(self, should: Should) -> Member | Visited | AppFault | None:
        assert isinstance(should, Wanted)
        joined = await Joiner(self._kit, self._claim, self._journal).join(should.identity)
        match joined:
            case Joined(claim=claim, binding=binding):
                self._claim = self._ending.claim = claim
                self._ending.bindings = await self._kit.bindings.bindings_of_account(binding.account_id)
                return await self._kit.view.member(binding.account_id)
            case RefuseAccount(reason=Reason.APP_REFUSED, detail=detail):
                return await self._ending.park(Reason.APP_REFUSED, detail, should)
            case RefuseAccount(reason=reason, detail=detail):
                return await self._ending.refuse(reason, detail)
            case Again():
                return await self._ending.again(joined, should)
            case ClaimLost():
                return self._ending.claim_lost()
            case AppTrouble() | AppRefusal():
                return joined

    async def _lost(self, should: Should, account: AccountId) -> Member | Visited | AppFault | None:
        """The app shows no account where one is bound (semantics §1.4): believed only from an API that is proved well."""
        binding = self._ending.bindings[0]
        email = should.identity.email if isinstance(should, Wanted) else None
        found = await self._kit.app.search(email=email, login=binding.login)
        if isinstance(found, AppTrouble | AppRefusal):
            return found
        for member in found:
            if member.id == account:
                return await self._kit.view.with_groups(member)
        own = await self._kit.view.own_account(is_fresh=True)
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        if own is None:
            return AppRefusal(
                reason=Reason.APP_UNPROVED, detail=f"no account {account}, and the API cannot be proved"
            )
        return await self._forget(should, account)

    async def _forget(self, should: Should, account: AccountId) -> Member | Visited | AppFault | None:
        self._journal.write("agree", Reason.ACCOUNT_GONE, cause=f"the app has no account {account} any more")
        rules = self._kit.rules
        if not isinstance(should, Wanted):
            return None
        if not rules.link.join.is_auto_join or not rules.is_provisioning_on:
            return await self._ending.gone_account()
        self._kit.checkpoint("before unbind")
        mine = should.identity.subject
        for binding in sorted(self._ending.bindings, key=lambda one: one.subject == mine):
            await self._kit.bindings.unbind(binding.subject)
        self._kit.checkpoint("after unbind")
        self._ending.bindings = ()
        self._journal.account = None
        return await self._join(should)

    async def _agree(self, should: Should, member: Member | None) -> Visited:
        """Plan, guard, perform and read again, until nothing is left to do."""
        for _ in range(ROUNDS):
            if member is None:
                return await self._ending.agreed(should, None, frozenset(), held=(), complaints=())
            groups = await self._kit.view.groups()
            if not isinstance(groups, tuple):
                return await self._ending.fault(groups, should, member)
            should = self._should(_names(groups), await self._seen(member, groups))
            planned = await self._plan(should, member, groups)
            if not isinstance(planned, Plan):
                return await self._ending.fault(planned, should, member)
            if takes_from_administrator(planned, member) and not self._administrators.is_held:
                if not await self._administrators.take():
                    return await self._ending.again(_ONE_AT_A_TIME, should)
                self._kit.checkpoint("administrators held")
                again = await self._kit.view.member(member.id)
                if isinstance(again, AppTrouble | AppRefusal):
                    return await self._ending.fault(again, should, member)
                member = again
                continue
            judgement = await consult_guard(
                self._kit, self._journal, planned, idp=self._idp, account=member.id
            )
            if not judgement.plan.steps:
                return await self._finish(should, member, groups, judgement.held)
            fault = await self._perform(judgement.plan, member)
            again = fault or await self._kit.view.member(member.id)
            if isinstance(again, AppTrouble | AppRefusal):
                return await self._ending.fault(again, should, member)
            member = again
        return await self._ending.park(Reason.APP_REFUSED, "the app does not keep what it agreed to", should)

    async def _seen(self, member: Member, groups: tuple[AppGroup, ...]) -> frozenset[AppGroupName]:
        """Groups of theirs that equal names led somebody to before: linked, though their IdP no longer names them."""
        if not self._kit.rules.groups.is_same_name:
            return frozenset()
        unowned = _names_in(groups, member) - owned_groups(self._kit.rules.groups)
        return frozenset([name for name in unowned if await self._kit.bindings.count_in_group(name)])

    async def _plan(self, should: Should, member: Member, groups: tuple[AppGroup, ...]) -> Plan | AppFault:
        own = await self._kit.view.own_account()
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        is_last = await self._administrators.is_last(member) if self._administrators.is_held else False
        if isinstance(is_last, AppTrouble | AppRefusal):
            return is_last
        planned = plan(should, member, groups, self._terms(member, own, is_last=member.is_admin and is_last))
        if may_be_by_hand(planned, member):
            planned = noted(planned, await self._kit.bindings.memberships(member.id))
        self._note(planned.notes)
        steps = tuple(step for step in planned.steps if step.operation not in self._performer.refused)
        if not self._kit.rules.is_provisioning_on:
            restores = [index for index, step in enumerate(steps) if isinstance(step.operation, Restore)]
            steps = steps[: restores[0]] if restores else steps
        self._kit.checkpoint("planned")
        return replace(planned, steps=steps)

    def _terms(self, member: Member, own: Member | None, *, is_last: bool) -> Terms:
        """Whether somebody is the last administrator counts under the lease only: before it, a plan is a first look."""
        return terms_for(
            member,
            own=own,
            binding=self._ending.bindings[0] if self._ending.bindings else None,
            capabilities=self._kit.app.capabilities,
            rules=self._kit.rules,
            is_last_admin=is_last,
        )

    def _note(self, notes: tuple[Because, ...]) -> None:
        """What was seen and left alone, once a visit."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                self._journal.write("leave_alone", note.reason, cause=note.cause, outcome=note.about)

    async def _perform(self, allowed: Plan, member: Member) -> AppFault | None:
        """A role about to be raised is written down first: after a crash it would pass for somebody else's.

        A lowered one is written down after (`_finish`): until then only the old one lets us lower it.
        """
        if any(isinstance(step.operation, Restore) for step in allowed.steps) and (
            fault := await reserve_for_restore(self._kit, member.id)
        ):
            return fault
        for step in allowed.steps:
            if isinstance(step.operation, SetRole) and self._raises(step.operation.role, member.role):
                await self._ending.update_bindings(granted_role=step.operation.role)
        fault = await self._performer.perform(allowed, member)
        if fault is None:
            for step in allowed.steps:
                if isinstance(step.operation, SetRole) and step.operation not in self._performer.refused:
                    await self._ending.update_bindings(granted_role=step.operation.role)
        return fault

    def _raises(self, role: RoleName, present: RoleName | None) -> bool:
        return present is not None and is_higher(role, present, self._kit.rules.groups.roles.order)

    async def _finish(
        self, should: Should, member: Member, groups: tuple[AppGroup, ...], held: tuple[Held, ...]
    ) -> Visited:
        complaints = self._performer.complaints
        await self._own_the_role(should, member)
        if isinstance(should, Wanted) and self._kit.rules.groups.missing is Missing.ERROR:
            missing = [one for one in should.entitlement.because if one.reason is Reason.APP_GROUP_MISSING]
            complaints += tuple(f"app group {one.about!r} is missing" for one in missing)
        return await self._ending.agreed(
            should, member, self._remembered(should, member, groups), held=held, complaints=complaints
        )

    async def _own_the_role(self, should: Should, member: Member) -> None:
        """Of a role that was ours before, a crash may have kept us from writing down what it is now."""
        was_ours = any(binding.granted_role is not None for binding in self._ending.bindings)
        if was_ours and isinstance(should, Wanted) and should.entitlement.role == member.role:
            await self._ending.update_bindings(granted_role=member.role)

    def _remembered(
        self, should: Should, member: Member, groups: tuple[AppGroup, ...]
    ) -> frozenset[AppGroupName]:
        owned = owned_groups(self._kit.rules.groups)
        if isinstance(should, Wanted):
            owned |= should.entitlement.owned
        return _names_in(groups, member) & owned if member.is_active else frozenset()


def _names(groups: tuple[AppGroup, ...]) -> frozenset[AppGroupName]:
    return frozenset(group.name for group in groups)


def _names_in(groups: tuple[AppGroup, ...], member: Member) -> frozenset[AppGroupName]:
    return frozenset(group.name for group in groups if group.id in (member.groups or frozenset()))

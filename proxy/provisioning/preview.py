"""What a visit would do to a bound member now: reads the app with the courier's own eyes, plans with its rules, changes nothing.

The guard is not asked: what it would hold is part of the plan.
"""

from dataclasses import dataclass, replace

from proxy.groups.links import owned_groups
from proxy.groups.rules import AppGroupName
from proxy.provisioning.administrators import is_last_of, takes_from_administrator
from proxy.provisioning.app_admin import AppAdmin, AppFault, AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.model import AppGroup, Binding, Entry, Member, Plan, Restore, Should
from proxy.provisioning.outbox import Bindings
from proxy.provisioning.plan import Terms, plan
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.should import should_be
from proxy.provisioning.terms import terms_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """`member` is None where the app shows no such account; the plan is then empty."""

    should: Should
    member: Member | None
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Looks at one bound member after the other; `view` keeps what they share."""

    app: AppAdmin
    view: AppView
    bindings: Bindings
    rules: CourierRules

    async def of(self, entry: Entry, binding: Binding) -> Previewed | AppFault:
        """The plan for the account of `binding`, whose latest statements `entry` holds."""
        groups = await self.view.groups()
        if not isinstance(groups, tuple):
            return groups
        own = await self.view.own_account()
        member = await self.view.member(binding.account_id)
        for answer in (own, member):
            if isinstance(answer, AppTrouble | AppRefusal):
                return answer
        assert not isinstance(own, AppTrouble | AppRefusal)
        assert not isinstance(member, AppTrouble | AppRefusal)
        should = await self._should(entry, member, groups)
        if member is None:
            return Previewed(should=should, member=None, plan=Plan())
        planned = plan(should, member, groups, self._terms(member, own, binding))
        if takes_from_administrator(planned, member):
            is_last = await self._is_last(member, own)
            if isinstance(is_last, AppTrouble | AppRefusal):
                return is_last
            planned = plan(should, member, groups, self._terms(member, own, binding, is_last=is_last))
        return Previewed(should=should, member=member, plan=self._allowed(planned))

    async def _is_last(self, member: Member, own: Member | None) -> bool | AppFault:
        """As `Administrators.is_last`, without its lease: nothing is taken away here."""
        if not self.app.capabilities.can_list_accounts:
            return True
        listed = await self.app.list_accounts()
        if isinstance(listed, AppTrouble | AppRefusal):
            return listed
        return is_last_of(listed, member, own=own, protected=self.rules.link.protected)

    async def _should(self, entry: Entry, member: Member | None, groups: tuple[AppGroup, ...]) -> Should:
        names = frozenset(group.name for group in groups)
        seen = await self._seen(member, groups)
        return should_be(entry.statements, self.rules.link.join, self.rules.groups, names, seen=seen)

    async def _seen(self, member: Member | None, groups: tuple[AppGroup, ...]) -> frozenset[AppGroupName]:
        """Groups of theirs that equal names led somebody to before."""
        if not self.rules.groups.is_same_name or member is None:
            return frozenset()
        theirs = frozenset(group.name for group in groups if group.id in (member.groups or frozenset()))
        unowned = theirs - owned_groups(self.rules.groups)
        return frozenset([name for name in unowned if await self.bindings.count_in_group(name)])

    def _terms(self, member: Member, own: Member | None, binding: Binding, *, is_last: bool = False) -> Terms:
        """As a visit's."""
        return terms_for(
            member,
            own=own,
            binding=binding,
            capabilities=self.app.capabilities,
            rules=self.rules,
            is_last_admin=is_last,
        )

    def _allowed(self, planned: Plan) -> Plan:
        """Without provisioning nobody is restored, and what follows a restore is not done either."""
        if self.rules.is_provisioning_on:
            return planned
        stops = [index for index, step in enumerate(planned.steps) if isinstance(step.operation, Restore)]
        return replace(planned, steps=planned.steps[: stops[0]]) if stops else planned

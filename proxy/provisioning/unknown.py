"""Members of a linked group whom nobody has vouched for (semantics §7.4): kept and reported, or put out, as the operator says.

Protected accounts and administrators are left alone either way: owners are made in the app (§7.5). Whoever is put out counts
under the link's scope of the guard; what it holds is remembered there, and a release lets the next look carry it out.
"""

from dataclasses import dataclass

from proxy.groups.rules import UnknownMembers
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble, Performed
from proxy.provisioning.errand import Errand, on_errand
from proxy.provisioning.full_look import Whole
from proxy.provisioning.guard import link_scope, released_mark, waiting_mark
from proxy.provisioning.holding import consult_guard
from proxy.provisioning.kit import Journal, Kit
from proxy.provisioning.linking import is_protected
from proxy.provisioning.model import AccountId, AppGroup, Because, Leave, Member, Plan, Step
from proxy.provisioning.performing import Performer
from proxy.provisioning.report import Kind, Line, Tally
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Looks at one after the other. A dry run changes nothing, and writes into `taken` whom the guard would count."""

    kit: Kit
    whole: Whole
    tally: Tally
    is_dry_run: bool
    taken: dict[str, set[AccountId]]

    async def look(self, account: AccountId, groups: tuple[AppGroup, ...]) -> None:
        """One account and the linked groups it is in."""
        if self.kit.rules.groups.unknown_members is UnknownMembers.KEEP:
            self._tell(Kind.KEPT, account, None, groups, Reason.UNKNOWN_MEMBER, "nobody has vouched for them")
            return
        member = self.whole.listed(account) or await self._read(account)
        match member:
            case AppTrouble(detail=detail) | AppRefusal(detail=detail):
                self._tell(Kind.SKIPPED, account, None, groups, Reason.APP_TROUBLE, detail)
            case None:
                return
            case Member():
                await self._put_out(member, groups)

    async def _read(self, account: AccountId) -> Member | AppFault | None:
        errand = Errand(purpose="sweep", account=account, reason=Reason.UNKNOWN_MEMBER)
        return await on_errand(self.kit.app, errand).account(account)

    async def _put_out(self, member: Member, groups: tuple[AppGroup, ...]) -> None:
        if reason := self._spared(member):
            self._tell(Kind.KEPT, member.id, member, groups, reason, "left alone")
            return
        for group in groups:
            if self.is_dry_run:
                self.taken.setdefault(link_scope(group.name), set()).add(member.id)
                self._tell(Kind.CHANGE, member.id, member, (group,), Reason.UNKNOWN_MEMBER, "would leave")
            else:
                await self._leave(member, group)

    def _spared(self, member: Member) -> Reason | None:
        is_own = self.whole.own is not None and self.whole.own.id == member.id
        if is_own or is_protected(member, self.kit.rules.link.protected):
            return Reason.PROTECTED_LEFT_ALONE
        return Reason.OWNER_LEFT_ALONE if member.is_admin else None

    async def _leave(self, member: Member, group: AppGroup) -> None:
        because = Because(
            reason=Reason.UNKNOWN_MEMBER,
            about=group.name,
            cause="in a linked group, and nobody vouched for them",
        )
        leave = Leave(account=member.id, group=group, login=member.login)
        planned = Plan(steps=(Step(operation=leave, because=because, takes_away=True),))
        journal = Journal(self.kit, None, member.id)
        judged = await consult_guard(self.kit, journal, planned, idp=None, account=member.id)
        for held in judged.held:
            await self._hold(held.scope, member, group)
        for step in judged.plan.steps:
            result = await Performer(self.kit, journal).call(step, member)
            await self._done(result, member, group)

    async def _hold(self, scope: str, member: Member, group: AppGroup) -> None:
        await self.kit.ledger.latch(waiting_mark(scope, member.id), self.kit.clock())
        self.tally.held_scopes.add(scope)
        self._tell(Kind.HELD, member.id, member, (group,), Reason.GUARD_TRIPPED, scope)

    async def _done(self, result: object, member: Member, group: AppGroup) -> None:
        if isinstance(result, Performed):
            self._tell(Kind.CHANGE, member.id, member, (group,), Reason.UNKNOWN_MEMBER, "left")
            await self.kit.ledger.unlatch(released_mark(link_scope(group.name), member.id))
        elif isinstance(result, AppTrouble | AppRefusal):
            self._tell(Kind.SKIPPED, member.id, member, (group,), Reason.APP_TROUBLE, result.detail)

    def _tell(
        self,
        kind: Kind,
        account: AccountId,
        member: Member | None,
        groups: tuple[AppGroup, ...],
        reason: Reason,
        cause: str,
    ) -> None:
        what = "leave" if kind in (Kind.CHANGE, Kind.HELD) else "unknown_member"
        shown = member or self.whole.listed(account)
        for group in groups:
            self.tally.add(
                Line(
                    kind=kind,
                    account=account,
                    login=shown.login if shown else "",
                    what=what,
                    about=group.name,
                    reason=reason,
                    cause=cause,
                )
            )

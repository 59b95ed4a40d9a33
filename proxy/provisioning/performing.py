"""Carries a plan's steps out, one by one, each with its audit record."""

from typing import assert_never

from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble, Performed
from proxy.provisioning.errand import Errand, on_errand
from proxy.provisioning.kit import Journal, Kit
from proxy.provisioning.model import (
    Archive,
    Create,
    CreateGroup,
    Join,
    Leave,
    Member,
    Operation,
    Plan,
    Restore,
    SetProfile,
    SetRole,
    Step,
)
from proxy.provisioning.seats import release_seat, restoring, settle_seat, vacate_seat
from proxy.reasons import Reason


class Performer:
    """Performs, and remembers what the app will not do, so that the rest can be planned without it.

    Trouble ends a plan at once. So does a refusal after which going on would let somebody in with what they should not
    have; a refused join, profile or new group holds nothing else up.
    """

    def __init__(self, kit: Kit, journal: Journal) -> None:
        self._kit = kit
        self._journal = journal
        self.refused: dict[Operation, AppRefusal] = {}

    @property
    def complaints(self) -> tuple[str, ...]:
        """What an operator must look at: refusals but those by which the app protects somebody."""
        return tuple(
            f"{operation_name(operation)} {_about(operation)}: {refusal.detail}".strip()
            for operation, refusal in self.refused.items()
            if refusal.reason is not Reason.PROTECTED_ACCOUNT
        )

    async def perform(self, plan: Plan, member: Member | None) -> AppFault | None:
        """None when every step was done, or refused harmlessly."""
        lets_in = any(isinstance(step.operation, Restore) for step in plan.steps)
        for step in plan.steps:
            result = await self.call(step, member)
            if isinstance(result, AppTrouble):
                return result
            if isinstance(result, AppRefusal):
                if not _may_go_on(step.operation, result, lets_in):
                    return result
                self.refused[step.operation] = result
        return None

    async def call(self, step: Step, member: Member | None) -> Performed | AppFault:
        """One call to the app, between two checkpoints."""
        name = operation_name(step.operation)
        self._kit.checkpoint(f"before {name}")
        errand = Errand(
            purpose=name,
            subject=self._journal.subject,
            account=self._journal.account,
            reason=step.because.reason,
            cause=step.because.cause,
        )
        result = await on_errand(self._kit.app, errand).perform(step.operation)
        self._kit.checkpoint(f"after {name}")
        self._write(step, member, result)
        await self._seat(step.operation, result)
        if isinstance(step.operation, CreateGroup) or _is_gone(result):
            self._kit.view.forget_groups()
        return result

    async def _seat(self, operation: Operation, result: Performed | AppFault) -> None:
        """A restored account has its seat for good, an archived one has none; of a refused restore the reservation ends."""
        match operation, result:
            case Restore(account=account), Performed():
                await settle_seat(self._kit, restoring(account), account)
            case Restore(account=account), AppRefusal():
                await release_seat(self._kit, restoring(account))
            case Archive(account=account), Performed():
                await vacate_seat(self._kit, account)
            case _:
                return

    def _write(self, step: Step, member: Member | None, result: Performed | AppFault) -> None:
        outcome = "done" if isinstance(result, Performed) else result.detail
        reason = result.reason if isinstance(result, AppRefusal) else step.because.reason
        if isinstance(result, AppTrouble):
            reason = Reason.APP_TROUBLE
        self._journal.write(
            operation_name(step.operation),
            reason,
            cause=step.because.cause,
            outcome=outcome,
            before=_before(step.operation, member),
            after=_about(step.operation),
        )


def operation_name(operation: Operation) -> str:
    match operation:
        case Create():
            return "create"
        case Restore():
            return "restore"
        case Archive():
            return "archive"
        case SetProfile():
            return "set_profile"
        case SetRole():
            return "set_role"
        case Join():
            return "join"
        case Leave():
            return "leave"
        case CreateGroup():
            return "create_group"
        case _:
            assert_never(operation)


def _may_go_on(operation: Operation, refusal: AppRefusal, lets_in: bool) -> bool:
    if refusal.reason in (Reason.ACCOUNT_GONE, Reason.APP_UNPROVED):
        return False
    if isinstance(operation, Join | SetProfile | CreateGroup):
        return True
    is_spared = refusal.reason is Reason.PROTECTED_ACCOUNT
    return isinstance(operation, Leave | SetRole | Archive) and (is_spared or not lets_in)


def _is_gone(result: Performed | AppFault) -> bool:
    return isinstance(result, AppRefusal) and result.reason is Reason.ACCOUNT_GONE


def _about(operation: Operation) -> str:
    match operation:
        case Create(profile=profile):
            return profile.login
        case SetRole(role=role):
            return role
        case SetProfile(email=email, name=name):
            return f"{name or ''} <{email or ''}>"
        case Join(group=group):
            return group.name
        case Leave():
            return ""
        case CreateGroup(name=name):
            return name
        case Restore():
            return "active"
        case Archive():
            return "archived"
        case _:
            assert_never(operation)


def _before(operation: Operation, member: Member | None) -> str:
    match operation:
        case Leave(group=group):
            return group.name
        case SetRole() if member:
            return member.role or ""
        case SetProfile() if member:
            return f"{member.name or ''} <{member.email or ''}>"
        case Restore() | Archive() if member:
            return "active" if member.is_active else "archived"
        case _:
            return ""

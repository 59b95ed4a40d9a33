"""Taking something from an administrator: one at a time, and never from the last one (semantics §6.5, §7.9).

Two administrators who leave at once could each be archived because the other one was still there. So whoever takes anything
from one holds a single lease, asks the app anew who else administers it, and gives the lease back when the visit is over.

| the app's list of accounts, under the lease | this one |
|---|---|
| shows another active administrator, neither protected nor behind our token | is not the last |
| shows none | is the last: left alone |
| there is no such list | may be the last: left alone |

The account behind our token and protected ones are never taken away, and are nobody's stand-in: a machine's token, or the one for
emergencies, is no reason to take the last person's rights.
"""

from collections.abc import Iterable
from typing import Final

from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.kit import Kit
from proxy.provisioning.leases import ADMINISTRATORS, NamedLease
from proxy.provisioning.linking import is_protected
from proxy.provisioning.model import Member, Plan

SPARE_SECONDS: Final = 30.0
"""Beyond the longest visit: the lease outlives whoever was granted it."""

ASKED_AGAIN_SECONDS: Final = 2.0


class Administrators:
    """For one visit: the lease, and what was learned under it."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lease: NamedLease | None = None

    @property
    def is_held(self) -> bool:
        return self._lease is not None

    async def take(self) -> bool:
        """False while another visit has it."""
        kit = self._kit
        seconds = kit.rules.visit_seconds + SPARE_SECONDS
        self._lease = await kit.leases.acquire(
            ADMINISTRATORS, holder=kit.holder, now=kit.clock(), seconds=seconds
        )
        return self.is_held

    async def give_back(self) -> None:
        if self._lease is not None:
            lease, self._lease = self._lease, None
            await self._kit.leases.release(lease)

    async def is_last(self, member: Member) -> bool | AppFault:
        """Asked anew each time: what was so before the lease says nothing."""
        if not self._kit.app.capabilities.can_list_accounts:
            return True
        own = await self._kit.view.own_account(is_fresh=True)
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        listed = await self._kit.app.list_accounts()
        if isinstance(listed, AppTrouble | AppRefusal):
            return listed
        return is_last_of(listed, member, own=own, protected=self._kit.rules.link.protected)


def is_last_of(
    accounts: Iterable[Member], member: Member, *, own: Member | None, protected: frozenset[str]
) -> bool:
    """Whether nobody else of these is an active administrator that may be taken away. `own` is behind our token."""
    return not any(
        one.is_admin
        and one.is_active
        and one.id != member.id
        and not (own is not None and one.id == own.id)
        and not is_protected(one, protected)
        for one in accounts
    )


def takes_from_administrator(plan: Plan, member: Member) -> bool:
    return member.is_admin and any(step.takes_away for step in plan.steps)

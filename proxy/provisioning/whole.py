"""Reads what a look at everybody needs: groups, their members, the list of accounts. Each list once, a few at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from proxy.groups.links import linked_groups
from proxy.groups.rules import AppGroupName, LinkMode
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.full_look import Whole, mark, to_read
from proxy.provisioning.kit import Kit
from proxy.provisioning.model import AccountId, AppGroup, Member
from proxy.reasons import Reason

Progress: TypeAlias = Callable[[str, int, int], None]
"""(what is being done, how many are done, how many there are); called often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads for one look. `view` is the look's own: nothing it shows is older than the look."""

    kit: Kit
    view: AppView
    progress: Progress

    async def everybody(self) -> Whole | AppFault:
        """All linked groups, and every account where the app lists them."""
        groups, own = await self.view.groups(), await self.view.own_account(is_fresh=True)
        if not isinstance(groups, tuple):
            return groups
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        accounts = await self._accounts()
        if isinstance(accounts, AppTrouble | AppRefusal):
            return accounts
        looked = to_read(groups, self.kit.rules.groups)
        masks = _masks_shown(accounts, looked) or await self._masks(looked)
        if isinstance(masks, AppTrouble | AppRefusal):
            return masks
        names = frozenset(group.name for group in groups)
        return Whole(groups=groups, looked=looked, masks=masks, accounts=accounts, own=own, names=names)

    async def one_group(self, name: AppGroupName) -> Whole | AppFault:
        """One group's members. A refusal where the app has no such group, nobody linked it, or it cannot be listed."""
        if refusal := self._may_not_look(name):
            return refusal
        groups, own = await self.view.groups(), await self.view.own_account(is_fresh=True)
        if not isinstance(groups, tuple):
            return groups
        if isinstance(own, AppTrouble | AppRefusal):
            return own
        looked = tuple(group for group in groups if group.name == name)
        if len(looked) != 1:
            detail = f"the app has {len(looked) or 'no'} group{'s' if len(looked) > 1 else ''} named {name!r}"
            return AppRefusal(reason=Reason.APP_GROUP_MISSING, detail=detail)
        masks = await self._masks(looked)
        if isinstance(masks, AppTrouble | AppRefusal):
            return masks
        names = frozenset(group.name for group in groups)
        return Whole(groups=groups, looked=looked, masks=masks, own=own, names=names)

    def _may_not_look(self, name: AppGroupName) -> AppRefusal | None:
        rules = self.kit.rules.groups
        if not self.kit.app.capabilities.can_list_members:
            return AppRefusal(
                reason=Reason.APP_REFUSED, detail="this app's API does not list who is in a group"
            )
        is_off = name in linked_groups(rules, LinkMode.OFF)
        if is_off or (name not in linked_groups(rules) and not rules.is_same_name):
            detail = f"{name!r} is not linked" if not is_off else f"the link of {name!r} is deactivated"
            return AppRefusal(reason=Reason.NO_MATCH, detail=detail)
        return None

    async def _accounts(self) -> dict[AccountId, Member] | AppFault | None:
        if not self.kit.app.capabilities.can_list_accounts:
            return None
        self.progress("accounts", 0, 1)
        listed = await self.kit.app.list_accounts()
        if isinstance(listed, AppTrouble | AppRefusal):
            return listed
        self.progress("accounts", 1, 1)
        return {one.id: one for one in listed}

    async def _masks(self, looked: tuple[AppGroup, ...]) -> dict[AccountId, int] | AppFault | None:
        """Of a few groups at a time; the first fault ends it, and half of the groups is nothing."""
        if not self.kit.app.capabilities.can_list_members:
            return None
        masks: dict[AccountId, int] = {}
        for first in range(0, len(looked), self.kit.rules.bulk_slots):
            some = looked[first : first + self.kit.rules.bulk_slots]
            lists = await asyncio.gather(*(self.kit.app.members(group.id) for group in some))
            for bit, members in enumerate(lists, start=first):
                if not isinstance(members, tuple):
                    return members
                mark(masks, bit, members)
            self.progress("groups", min(first + len(some), len(looked)), len(looked))
        return masks


def _masks_shown(
    accounts: dict[AccountId, Member] | None, looked: tuple[AppGroup, ...]
) -> dict[AccountId, int] | None:
    """Out of a list of accounts that shows everybody's groups; None where it does not."""
    if not accounts or any(one.groups is None for one in accounts.values()):
        return None
    bits = {group.id: 1 << bit for bit, group in enumerate(looked)}
    return {one.id: sum(bits.get(group, 0) for group in one.groups or ()) for one in accounts.values()}

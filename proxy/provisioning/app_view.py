"""The app as it is: accounts with their groups, the list of groups, and the account behind our token."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

from proxy.groups.links import linked_groups, normal, observed_groups, owned_groups
from proxy.groups.rules import AppGroupName, GroupRules
from proxy.identity import Identity
from proxy.provisioning.app_admin import AppAdmin, AppFault, AppRefusal, AppTrouble
from proxy.provisioning.errand import Errand, on_errand
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member
from proxy.reasons import Reason

KEPT_SECONDS = 60.0
"""How long the list of groups and our token's own account are believed."""

ASKED_AGAIN_SECONDS = 5.0
"""A linked group that is missing has the list read again, but no more often than this."""


@dataclass(slots=True)
class _Kept:
    """The list of groups and our token's own account, each with the time when it was read."""

    groups: tuple[float, tuple[AppGroup, ...]] | None = None
    own: tuple[float, Member | None] | None = None


class AppView:
    """Reads; what many visits share is kept for a minute. Faults are never kept."""

    def __init__(self, app: AppAdmin, rules: GroupRules, clock: Callable[[], float]) -> None:
        self._app = app
        self._rules = rules
        self._clock = clock
        self._kept = _Kept()

    def through(self, app: AppAdmin) -> "AppView":
        """This view, what is kept shared with it; reads are made through `app`, which is the same one on another errand."""
        other = copy(self)
        other._app = app
        return other

    def forget_groups(self) -> None:
        """The list is wrong: something in it was gone."""
        self._kept.groups = None

    async def groups(self) -> tuple[AppGroup, ...] | AppFault:
        """The app's groups, names in NFC. An app that cannot list them has those that links name, by name."""
        if not self._app.capabilities.can_list_groups:
            named = linked_groups(self._rules) | owned_groups(self._rules)
            return tuple(AppGroup(id=GroupId(name), name=name) for name in sorted(named))
        if self._kept.groups is not None and self._is_usable(*self._kept.groups):
            return self._kept.groups[1]
        found = await self._app.groups()
        if isinstance(found, AppTrouble | AppRefusal):
            return found
        shown = tuple(replace(group, name=AppGroupName(normal(group.name))) for group in found)
        self._kept.groups = (self._clock(), shown)
        return shown

    async def member(self, account: AccountId) -> Member | AppFault | None:
        """The account with its groups, archived or not; None when the app says that there is none."""
        found = await self._app.account(account)
        return await self.with_groups(found) if isinstance(found, Member) else found

    async def with_groups(self, member: Member) -> Member | AppFault:
        """Where the app shows no groups with an account, those groups are asked that evaluation may touch."""
        if member.groups is not None:
            return member
        listed = await self.groups()
        if not isinstance(listed, tuple):
            return listed
        own: set[GroupId] = set()
        for group in listed:
            if not self._is_touched(group.name):
                continue
            members = await self._app.members(group.id)
            if not isinstance(members, tuple):
                return members
            own |= {group.id} if member.id in members else set()
        return replace(member, groups=frozenset(own))

    async def search(self, identity: Identity, login: str) -> tuple[Member, ...] | AppFault:
        return await self._app.search(email=identity.email, login=login)

    async def own_account(self, *, is_fresh: bool = False) -> Member | AppFault | None:
        """The account behind our token; None where the app cannot say. A refusal means that our token is not accepted."""
        if not self._app.capabilities.can_read_self:
            return None
        if self._kept.own is not None and not is_fresh and self._clock() - self._kept.own[0] < KEPT_SECONDS:
            return self._kept.own[1]
        found = await on_errand(self._app, Errand(purpose="proof")).whoami()
        if isinstance(found, AppRefusal):
            return replace(found, reason=Reason.APP_UNPROVED)
        if not isinstance(found, AppTrouble):
            self._kept.own = (self._clock(), found)
        return found

    def _is_usable(self, read_at: float, groups: tuple[AppGroup, ...]) -> bool:
        age = self._clock() - read_at
        is_complete = linked_groups(self._rules) <= {group.name for group in groups}
        return 0 <= age < (KEPT_SECONDS if is_complete else ASKED_AGAIN_SECONDS)

    def _is_touched(self, name: AppGroupName) -> bool:
        if self._rules.is_same_name:
            return True
        return name in owned_groups(self._rules) | observed_groups(self._rules)

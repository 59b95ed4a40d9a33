"""Joining and leaving where an app only takes whole lists: under a lock, read it, change one, write it all (semantics §7.9).

Reading inside the lock is what keeps a second writer's change; an edit by hand in the same instant is not kept out.
"""

from dataclasses import dataclass
from typing import Literal

from proxy.apps.accounts import Accounts
from proxy.apps.template import Json
from proxy.errors import Unavailable
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.locks import Locks
from proxy.provisioning.model import AccountId, Join, Leave, Member
from proxy.reasons import Reason

Replaces = Literal["each_member", "each_group"]


def lock_name(replaces: Replaces, operation: Join | Leave) -> str:
    """One lock a group, or one an account, by whose list it is."""
    match replaces:
        case "each_member":
            return f"group:{operation.group.id}"
        case "each_group":
            return f"account:{operation.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The list is as it should be."""


class Replacing:
    """Works out what a list should be."""

    def __init__(self, accounts: Accounts, locks: Locks) -> None:
        self._accounts = accounts
        self.locks = locks

    async def wanted(
        self, replaces: Replaces, operation: Join | Leave
    ) -> dict[str, Json] | Unchanged | AppFault:
        """The placeholder with the whole list; to be asked and used under the lock."""
        one = operation.account if replaces == "each_member" else operation.group.id
        listed = await self._listed(replaces, operation)
        if not isinstance(listed, list):
            return listed
        others: list[Json] = [each for each in listed if each != one]
        changed = [*others, one] if isinstance(operation, Join) else others
        return Unchanged() if len(changed) == len(listed) else {replaces: changed}

    async def _listed(self, replaces: Replaces, operation: Join | Leave) -> list[str] | AppFault:
        if replaces == "each_member":
            members = await self._accounts.members(operation.group.id)
            return list(members) if isinstance(members, tuple) else members
        found = await self._accounts.account(operation.account)
        if not isinstance(found, Member):
            return found or gone(operation.account)
        if found.groups is None:
            return AppTrouble(detail=f"the app does not show the groups of account {operation.account}")
        return sorted(found.groups)


def gone(account: AccountId) -> AppRefusal:
    return AppRefusal(reason=Reason.ACCOUNT_GONE, detail=f"the app has no account {account}")


def busy(error: Unavailable) -> AppTrouble:
    """Somebody else is at the list: try again."""
    return AppTrouble(detail=error.reason)
